import { expect, test } from 'vitest';
import {
  framePacket,
  GCM_FORMAT,
  type PacketFormat,
  packetBytesOf,
} from '../../../../../../src/ssh/ssh2/internals/ciphers/packet-format.ts';

const FORMATS: ReadonlyArray<readonly [string, PacketFormat]> = [
  ['AES-GCM', GCM_FORMAT],
  ['ChaCha20', { blockBytes: 8, tagBytes: 16, isLengthInBlocks: false }],
  ['AES-CTR with a MAC over the packet', { blockBytes: 16, tagBytes: 32, isLengthInBlocks: true }],
];

function framed(format: PacketFormat, payloadBytes: number): Buffer {
  const packet = Buffer.alloc(packetBytesOf(format, payloadBytes));
  framePacket(format, packet, payloadBytes);
  return packet;
}

test.each(FORMATS)(
  '%s: packets are whole blocks, with the least padding that RFC 4253 allows',
  (_name, format) => {
    const { blockBytes, tagBytes, isLengthInBlocks } = format;
    for (let payloadBytes = 1; payloadBytes < 200; payloadBytes += 1) {
      const packet = framed(format, payloadBytes);
      const packetBytes = packet.readUInt32BE(0);
      const paddingBytes = packet[4] ?? 0;
      expect((packetBytes + (isLengthInBlocks ? 4 : 0)) % blockBytes).toBe(0);
      expect(packetBytes).toBe(1 + payloadBytes + paddingBytes);
      expect(packet.length).toBe(4 + packetBytes + tagBytes);
      expect(paddingBytes).toBeGreaterThanOrEqual(4);
      expect(paddingBytes).toBeLessThan(4 + blockBytes);
    }
  },
);

test('padding is random and used once', () => {
  const seen = new Set<string>();
  for (let packets = 0; packets < 10_000; packets += 1) {
    const packet = framed(GCM_FORMAT, 16);
    const padding = packet.subarray(4 + 1 + 16, packet.length - 16);
    seen.add(padding.toString('hex'));
  }
  expect(seen.size).toBe(10_000);
});

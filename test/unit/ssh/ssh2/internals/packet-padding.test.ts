import { expect, test } from 'vitest';
import { framePacket, gcmPacketBytes } from '../../../../../src/ssh/ssh2/internals/packet-padding.ts';

function framed(payloadBytes: number): Buffer {
  const packet = Buffer.alloc(gcmPacketBytes(payloadBytes));
  framePacket(packet, payloadBytes);
  return packet;
}

test('packets are whole blocks, with the least padding that RFC 4253 allows', () => {
  for (let payloadBytes = 1; payloadBytes < 200; payloadBytes += 1) {
    const packet = framed(payloadBytes);
    const encryptedBytes = packet.readUInt32BE(0);
    const paddingBytes = packet[4] ?? 0;
    expect(encryptedBytes % 16).toBe(0);
    expect(encryptedBytes).toBe(1 + payloadBytes + paddingBytes);
    expect(packet.length).toBe(4 + encryptedBytes + 16);
    expect(paddingBytes).toBeGreaterThanOrEqual(4);
    expect(paddingBytes).toBeLessThan(20);
  }
});

test('padding is random and used once', () => {
  const seen = new Set<string>();
  for (let packets = 0; packets < 10_000; packets += 1) {
    const packet = framed(16);
    const padding = packet.subarray(4 + 1 + 16, packet.length - 16);
    seen.add(padding.toString('hex'));
  }
  expect(seen.size).toBe(10_000);
});

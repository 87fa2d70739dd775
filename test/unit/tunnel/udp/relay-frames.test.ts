import { describe, expect, test } from 'vitest';
import {
  encodeDatagram,
  encodeEnd,
  MAX_DATAGRAM_BYTES,
  RelayFrames,
} from '../../../../src/tunnel/udp/relay-frames.ts';

/** As a relay writes it. */
function frame(flow: number, datagram: Buffer): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(4 + datagram.length);
  head.writeUInt32BE(flow, 2);
  return Buffer.concat([head, datagram]);
}

describe('frames', () => {
  test('to a relay have the flow, the address and the port', () => {
    const address = Buffer.from([10, 0, 0, 8]);
    expect(encodeDatagram(0xfffffffe, address, 5353, Buffer.from('hi')).toString('hex')).toBe(
      '000d' + 'fffffffe' + '14e9' + '04' + '0a000008' + '6869',
    );
    expect(encodeEnd(7).toString('hex')).toBe('0007' + '00000007' + '0000' + '00');
    const largest = encodeDatagram(1, Buffer.alloc(16), 1, Buffer.alloc(MAX_DATAGRAM_BYTES));
    expect(largest.readUInt16BE()).toBe(largest.length - 2);
  });

  test.each([1, 2, 3, 7, 1_000, 1_000_000])('from a relay come in pieces of %i bytes', (size) => {
    const sent = [
      { flow: 1, datagram: Buffer.from('a') },
      { flow: 2 ** 32 - 1, datagram: Buffer.alloc(0) },
      { flow: 3, datagram: Buffer.alloc(size < 100 ? 1_400 : MAX_DATAGRAM_BYTES, 'b') },
    ];
    const all = Buffer.concat(sent.map(({ flow, datagram }) => frame(flow, datagram)));
    const frames = new RelayFrames();
    const received: Array<{ flow: number; datagram: Buffer }> = [];
    for (let at = 0; at < all.length; at += size) {
      for (const { flow, datagram } of frames.receive(all.subarray(at, at + size)))
        received.push({ flow, datagram: Buffer.from(datagram) });
    }
    expect(received).toEqual(sent);
  });

  test.each([0, 1, 3])('a frame of %i bytes is none', (length) => {
    expect(() => new RelayFrames().receive(Buffer.from([0, length, 1, 2, 3]))).toThrow(/no datagram/);
  });
});

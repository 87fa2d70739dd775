import { describe, expect, test } from 'vitest';
import {
  type Decode,
  decodeGreeting,
  decodePassword,
  decodeRequest4,
  decodeRequest5,
  encodeReply4,
  encodeReply5,
  MAX_MESSAGE_BYTES,
} from '../../../../src/ingress/proxy/socks-messages.ts';

const EARLY = Buffer.from('GET / HTTP/1.1\r\n');

/** Decodes a message that arrives byte by byte with something after it: never too early, and exactly to its end. */
function decodeSlowly<T>(decode: Decode<T>, message: Buffer): T {
  for (let length = 0; length < message.length; length += 1) {
    expect(decode(message.subarray(0, length)).kind, `after ${length} bytes`).toBe('incomplete');
  }
  const decoded = decode(Buffer.concat([message, EARLY]));
  if (decoded.kind !== 'message') throw new Error(JSON.stringify(decoded));
  expect(decoded.length).toBe(message.length);
  return decoded.message;
}

const name = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const request5 = (addressType: number, address: Buffer, port: number, command = 1) =>
  Buffer.concat([Buffer.from([5, command, 0, addressType]), address, Buffer.from([port >> 8, port & 255])]);

describe('SOCKS5', () => {
  test('a greeting', () => {
    expect(decodeSlowly(decodeGreeting, Buffer.from([5, 2, 0, 2]))).toEqual({ version: 5, methods: [0, 2] });
  });

  test('a user name and a password', () => {
    const message = Buffer.concat([Buffer.from([1]), name('ann'), name('pass:wörd')]);
    const bytes = Buffer.from('pass:wörd');
    const exact = Buffer.concat([message.subarray(0, 5), Buffer.from([bytes.length]), bytes]);
    expect(decodeSlowly(decodePassword, exact)).toEqual({ user: 'ann', password: 'pass:wörd' });
    expect(decodePassword(Buffer.from([5, 1]))).toMatchObject({ kind: 'invalid' });
  });

  test.each([
    ['an IPv4 address', 1, Buffer.from([10, 0, 0, 8]), '10.0.0.8'],
    ['an IPv6 address', 4, Buffer.from('20010db8000000000000000000000008', 'hex'), '2001:db8::8'],
    ['a name', 3, name('db.internal'), 'db.internal'],
    ['the longest name', 3, name('a'.repeat(253)), 'a'.repeat(253)],
  ])('a request for %s', (_what, addressType, address, host) => {
    expect(decodeSlowly(decodeRequest5, request5(addressType, address, 5432))).toEqual({
      kind: 'connect',
      destination: { host, port: 5432 },
    });
  });

  test.each([
    ['BIND', request5(1, Buffer.from([10, 0, 0, 8]), 1, 2), 'command-unsupported'],
    ['an address type that is none', request5(9, Buffer.from([10, 0, 0, 8]), 1), 'address-unsupported'],
    ['port 0', request5(1, Buffer.from([10, 0, 0, 8]), 0), 'other'],
    ['a name with a control character', request5(3, name('db\ninternal'), 1), 'unknown-host'],
    ['no name', request5(3, name(''), 1), 'unknown-host'],
  ])('%s is answered, not carried', (_what, message, reply) => {
    expect(decodeRequest5(message)).toMatchObject({
      kind: 'message',
      message: { kind: 'unsupported', reply },
    });
  });

  test.each([
    [decodeGreeting, Buffer.from('GET / HTTP/1.1')],
    [decodeRequest5, Buffer.from([4, 1, 0, 1])],
  ])('what is no SOCKS is invalid at its first byte', (decode, bytes) => {
    expect(decode(bytes).kind).toBe('invalid');
  });

  test('replies', () => {
    expect([...encodeReply5('refused')]).toEqual([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect(encodeReply5('succeeded')[1]).toBe(0);
    expect(encodeReply5('prohibited')[1]).toBe(2);
    expect(encodeReply5('unknown-host')[1]).toBe(4);
  });
});

describe('SOCKS4', () => {
  const head = (address: readonly number[], command = 1) => Buffer.from([4, command, 0x1f, 0x90, ...address]);
  const asked = (host: string) => ({ kind: 'connect', destination: { host, port: 8080 } });

  test('the greeting is the request', () => {
    expect(decodeGreeting(head([10, 0, 0, 8]))).toEqual({
      kind: 'message',
      message: { version: 4 },
      length: 0,
    });
  });

  test('an address', () => {
    const message = Buffer.concat([head([10, 0, 0, 8]), Buffer.from('ann\0')]);
    expect(decodeSlowly(decodeRequest4, message)).toEqual({ userId: 'ann', request: asked('10.0.0.8') });
  });

  test('a name (4A)', () => {
    const message = Buffer.concat([head([0, 0, 0, 1]), Buffer.from('\0db.internal\0')]);
    expect(decodeSlowly(decodeRequest4, message)).toEqual({ userId: '', request: asked('db.internal') });
  });

  test('a user id or a name without an end is not waited for', () => {
    const endless = Buffer.alloc(MAX_MESSAGE_BYTES, 0x61);
    expect(decodeRequest4(Buffer.concat([head([10, 0, 0, 8]), endless])).kind).toBe('invalid');
    expect(decodeRequest4(Buffer.concat([head([0, 0, 0, 1]), Buffer.from([0]), endless])).kind).toBe(
      'invalid',
    );
  });

  test('replies', () => {
    expect([...encodeReply4('succeeded')]).toEqual([0, 90, 0, 0, 0, 0, 0, 0]);
    expect(encodeReply4('refused')[1]).toBe(91);
  });
});

import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import {
  type Cipher,
  type Decipher,
  decryptionInPlace,
  encryptInPlace,
  type GcmDecipher,
} from '../../../../../src/ssh/ssh2/internals/gcm-internals.ts';
import { framePacket, gcmPacketBytes } from '../../../../../src/ssh/ssh2/internals/packet-padding.ts';

// Against ssh2's own classes at the other end: in its native code where that was built, and in JavaScript.

const LENGTH_BYTES = 4;
const TAG_BYTES = 16;

interface Ssh2Crypto {
  readonly CIPHER_INFO: Readonly<Record<string, { readonly keyLen: number; readonly ivLen: number }>>;
  readonly bindingAvailable: boolean;
  createCipher(config: object): Cipher;
  createDecipher(config: object): GcmDecipher;
}

const ssh2Crypto = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js') as Ssh2Crypto;

interface Kind {
  readonly name: string;
  readonly algorithm: string;
  /** Takes the JavaScript. */
  readonly forceNative: boolean;
}

const KINDS: readonly Kind[] = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'].flatMap((algorithm) => [
  { name: `${algorithm} in JavaScript`, algorithm, forceNative: true },
  ...(ssh2Crypto.bindingAvailable
    ? [{ name: `${algorithm} in native code`, algorithm, forceNative: false }]
    : []),
]);

/** The packet counter is about to carry into its next bytes. */
const IV = Buffer.from('000102030000000000fffffe', 'hex');

function openBoth({ algorithm, forceNative }: Kind) {
  const info = ssh2Crypto.CIPHER_INFO[algorithm];
  if (info === undefined) throw new Error(`ssh2 has no ${algorithm}`);
  const key = Buffer.alloc(info.keyLen, 'key');
  const written: Buffer[] = [];
  const payloads: Buffer[] = [];
  const cipher = ssh2Crypto.createCipher({
    outbound: {
      onWrite: (bytes: Buffer) => written.push(Buffer.from(bytes)),
      cipherInfo: info,
      cipherKey: key,
      cipherIV: Buffer.from(IV),
      seqno: 0,
      forceNative,
    },
  });
  const decipher = ssh2Crypto.createDecipher({
    inbound: {
      onPayload: (payload: Buffer) => void payloads.push(Buffer.from(payload)),
      decipherInfo: info,
      decipherKey: key,
      decipherIV: Buffer.from(IV),
      seqno: 0,
      forceNative,
    },
  });
  return { cipher, decipher, written, payloads };
}

function packetOf(payload: string): Buffer {
  const packet = Buffer.alloc(gcmPacketBytes(payload.length));
  framePacket(packet, payload.length);
  packet.write(payload, 5);
  return packet;
}

const PAYLOADS = ['a', 'the second', 'x'.repeat(30_000), 'the last'];

test.each(KINDS)('$name: what is encrypted in place, ssh2 decrypts', (kind) => {
  const { cipher, decipher, written, payloads } = openBoth(kind);
  expect(encryptInPlace(cipher)).toBe(true);
  for (const payload of PAYLOADS) {
    const packet = packetOf(payload);
    cipher.encrypt(packet);
    // In the memory that was given, and in one piece.
    expect(written.at(-1)?.equals(packet)).toBe(true);
  }
  expect(written.length).toBe(PAYLOADS.length);
  const read = Buffer.concat(written);
  decipher.decrypt(read, 0, read.length);
  expect(payloads.map(String)).toEqual(PAYLOADS);
});

test.each(KINDS)('$name: what ssh2 encrypts, is decrypted in place', (kind) => {
  const { cipher, decipher, written } = openBoth(kind);
  for (const payload of PAYLOADS) cipher.encrypt(filled(cipher.allocPacket(payload.length), payload));
  const read = Buffer.concat(written);
  const decrypt = decryptionInPlace(decipher);
  let at = 0;
  for (const payload of PAYLOADS) {
    const packetBytes = read.readUInt32BE(at);
    const packet = decrypt?.(read, at, packetBytes);
    expect(packet?.toString('latin1', 1, 1 + payload.length)).toBe(payload);
    expect(packet?.buffer).toBe(read.buffer);
    at += LENGTH_BYTES + packetBytes + TAG_BYTES;
  }
  expect(at).toBe(read.length);
});

test.each(KINDS)('$name: a packet of which a bit has changed is refused, wherever it is', (kind) => {
  // Of the length ssh2's native code authenticates the number that it is given.
  for (const place of kind.forceNative ? (['length', 'body', 'tag'] as const) : (['body', 'tag'] as const)) {
    const { cipher, decipher, written } = openBoth(kind);
    cipher.encrypt(filled(cipher.allocPacket(40), 'x'.repeat(40)));
    const read = Buffer.concat(written);
    const packetBytes = read.readUInt32BE(0);
    const changed = { length: 0, body: LENGTH_BYTES + 20, tag: read.length - 1 }[place];
    const decrypt = decryptionInPlace(decipher);
    read[changed] = (read[changed] ?? 0) ^ 1;
    expect(() => decrypt?.(read, 0, packetBytes), place).toThrow();
  }
});

test('a packet that ssh2 has built without room for the tag is sent whole', () => {
  const kind = { name: '', algorithm: 'aes128-gcm@openssh.com', forceNative: true };
  const { cipher, decipher, written, payloads } = openBoth(kind);
  const built = cipher.allocPacket(10);
  expect(encryptInPlace(cipher)).toBe(true);
  cipher.encrypt(filled(built, 'newly keyed'.slice(0, 10)));
  cipher.encrypt(packetOf('and one with'));
  const read = Buffer.concat(written);
  decipher.decrypt(read, 0, read.length);
  expect(payloads.map(String)).toEqual(['newly keye', 'and one with']);
});

test('ssh2 may decrypt some packets before, and others between, by itself', () => {
  const kind = { name: '', algorithm: 'aes128-gcm@openssh.com', forceNative: true };
  const { cipher, decipher, written, payloads } = openBoth(kind);
  const decryptItself = decipher.decrypt.bind(decipher);
  for (const payload of ['first', 'second', 'third']) {
    cipher.encrypt(filled(cipher.allocPacket(payload.length), payload));
  }
  const [first, second, third] = packetsOf(Buffer.concat(written));
  if (first === undefined || second === undefined || third === undefined) throw new Error('three packets');
  decryptItself(first, 0, first.length);
  const packet = decryptionInPlace(decipher)?.(second, 0, second.readUInt32BE(0));
  expect(packet?.toString('latin1', 1, 7)).toBe('second');
  decryptItself(third, 0, third.length);
  expect(payloads.map(String)).toEqual(['first', 'third']);
});

test('after ssh2 has freed them, nothing is encrypted and nothing decrypted', () => {
  const kind = { name: '', algorithm: 'aes128-gcm@openssh.com', forceNative: true };
  const { cipher, decipher, written } = openBoth(kind);
  expect(encryptInPlace(cipher)).toBe(true);
  const decrypt = decryptionInPlace(decipher);
  cipher.encrypt(packetOf('before'));
  const read = Buffer.concat(written);
  for (const one of [cipher, decipher]) {
    one.free();
    one.free();
  }
  cipher.encrypt(packetOf('after'));
  expect(Buffer.concat(written).equals(read)).toBe(true);
  expect(() => decrypt?.(read, 0, read.readUInt32BE(0))).toThrow(/freed/);
});

test('another cipher is left as it is', () => {
  const info = ssh2Crypto.CIPHER_INFO['chacha20-poly1305@openssh.com'];
  const config = { cipherInfo: info, cipherKey: Buffer.alloc(64), cipherIV: Buffer.alloc(0), seqno: 0 };
  const cipher = ssh2Crypto.createCipher({ outbound: { ...config, onWrite: () => {} } });
  const { encrypt } = cipher;
  expect(encryptInPlace(cipher)).toBe(false);
  expect(cipher.encrypt).toBe(encrypt);
  const inbound = { ...config, decipherInfo: info, decipherKey: config.cipherKey, onPayload: () => {} };
  const decipher: Decipher = ssh2Crypto.createDecipher({ inbound });
  expect(decryptionInPlace(decipher)).toBeUndefined();
});

function filled(packet: Buffer, payload: string): Buffer {
  packet.write(payload, 5);
  return packet;
}

function packetsOf(read: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < read.length; ) {
    const bytes = LENGTH_BYTES + read.readUInt32BE(at) + TAG_BYTES;
    packets.push(read.subarray(at, at + bytes));
    at += bytes;
  }
  return packets;
}

import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import type { Cipher, Decipher } from '../../../../../../src/ssh/ssh2/internals/ciphers/cipher-shape.ts';
import {
  decryptionInPlace,
  encryptInPlace,
} from '../../../../../../src/ssh/ssh2/internals/ciphers/in-place.ts';
import {
  framePacket,
  type PacketFormat,
  packetBytesOf,
} from '../../../../../../src/ssh/ssh2/internals/ciphers/packet-format.ts';
import {
  useKeystream,
  useKeystreamToDecrypt,
} from '../../../../../../src/ssh/ssh2/internals/ciphers/stream-internals.ts';

// Against ssh2's own classes at the other end: in its native code where that was built, and in JavaScript.

const LENGTH_BYTES = 4;
/** The sequence number is about to begin anew. */
const FIRST_SEQUENCE = 0xff_ff_ff_fe;
/** The packet counter of GCM, and the block counter of CTR, are about to carry into their next bytes. */
const IV = Buffer.from('000102030000000000fffffefffffffe', 'hex');

interface Info {
  readonly keyLen: number;
  readonly ivLen: number;
}

interface Ssh2Crypto {
  readonly CIPHER_INFO: Readonly<Record<string, Info>>;
  readonly MAC_INFO: Readonly<Record<string, { readonly len: number; readonly actualLen: number }>>;
  readonly bindingAvailable: boolean;
  readonly init: Promise<void>;
  createCipher(config: object): Cipher;
  createDecipher(config: object): Decipher;
}

const ssh2Crypto = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js') as Ssh2Crypto;
await ssh2Crypto.init;

interface Kind {
  readonly algorithm: string;
  readonly mac?: string;
}

const GCM = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'];
const CHACHA = 'chacha20-poly1305@openssh.com';
const MACS = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
  'hmac-sha1-96',
];

/** Ours in place of ssh2's JavaScript. */
const KINDS: ReadonlyArray<readonly [string, Kind]> = [
  ...[...GCM, CHACHA].map((algorithm): Kind => ({ algorithm })),
  ...MACS.map((mac): Kind => ({ algorithm: 'aes128-ctr', mac })),
  ...['aes192-ctr', 'aes256-ctr'].map(
    (algorithm): Kind => ({ algorithm, mac: 'hmac-sha2-256-etm@openssh.com' }),
  ),
].map((kind) => [`${kind.algorithm} ${kind.mac ?? ''}`, kind]);

const otherEnds = ssh2Crypto.bindingAvailable ? [true, false] : [true];

interface Opened {
  readonly cipher: Cipher;
  readonly decipher: Decipher;
  readonly written: Buffer[];
  readonly payloads: Buffer[];
  /** Ours, in place. */
  format(): PacketFormat | undefined;
  decryption(): ReturnType<typeof decryptionInPlace>;
}

/** @param otherIsScript whether the other end is of ssh2's JavaScript, too */
function openBoth({ algorithm, mac }: Kind, otherIsScript = true): Opened & { readonly other: Opened } {
  const open = (isScript: boolean): Opened => {
    const info = ssh2Crypto.CIPHER_INFO[algorithm];
    const macInfo = mac === undefined ? undefined : ssh2Crypto.MAC_INFO[mac];
    if (info === undefined) throw new Error(`ssh2 has no ${algorithm}`);
    const key = Buffer.alloc(info.keyLen, 'of some cipher, the key');
    const macKey = macInfo === undefined ? undefined : Buffer.alloc(macInfo.len, 'of some MAC');
    const written: Buffer[] = [];
    const payloads: Buffer[] = [];
    const common = { seqno: FIRST_SEQUENCE, macInfo, macKey, forceNative: isScript };
    const cipher = ssh2Crypto.createCipher({
      outbound: {
        ...common,
        onWrite: (bytes: Buffer) => written.push(Buffer.from(bytes)),
        cipherInfo: info,
        cipherKey: Buffer.from(key),
        cipherIV: Buffer.from(IV.subarray(0, info.ivLen)),
      },
    });
    const decipher = ssh2Crypto.createDecipher({
      inbound: {
        ...common,
        onPayload: (payload: Buffer) => void payloads.push(Buffer.from(payload)),
        decipherInfo: info,
        decipherKey: Buffer.from(key),
        decipherIV: Buffer.from(IV.subarray(0, info.ivLen)),
      },
    });
    const keys = {
      iv: (bytes: number) => IV.subarray(0, bytes),
      key: (bytes: number) => key.subarray(0, bytes),
      macKey: (bytes: number) => (macKey ?? Buffer.alloc(0)).subarray(0, bytes),
    };
    return {
      cipher,
      decipher,
      written,
      payloads,
      format: () => {
        useKeystream(cipher, algorithm, keys);
        return encryptInPlace(cipher);
      },
      decryption: () => {
        useKeystreamToDecrypt(decipher, algorithm, keys);
        return decryptionInPlace(decipher);
      },
    };
  };
  return { ...open(true), other: open(otherIsScript) };
}

function packetOf(format: PacketFormat, payload: Buffer): Buffer {
  const packet = Buffer.alloc(packetBytesOf(format, payload.length));
  framePacket(format, packet, payload.length);
  payload.copy(packet, 5);
  return packet;
}

function filled(packet: Buffer, payload: Buffer): Buffer {
  payload.copy(packet, 5);
  return packet;
}

/** Of 1 byte and more, around the ends of blocks, to the largest that ssh2 takes. */
const SIZES = [1, 3, 4, 11, 12, 13, 27, 28, 29, 63, 64, 65, 1_000, 4_096, 32_768, 34_900];
const PAYLOADS = SIZES.map((bytes, index) => Buffer.alloc(bytes, String.fromCharCode(97 + index)));

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test.each(KINDS)('%s: what is encrypted in place, ssh2 decrypts', (_name, kind) => {
  for (const isScript of otherEnds) {
    const ours = openBoth(kind, isScript);
    const format = ours.format();
    if (format === undefined) throw new Error('not in place');
    for (const payload of PAYLOADS) {
      const packet = packetOf(format, payload);
      ours.cipher.encrypt(packet);
      // In the memory that was given, and in one piece.
      expect(ours.written.at(-1)?.equals(packet)).toBe(true);
    }
    expect(ours.written.length).toBe(PAYLOADS.length);
    const read = Buffer.concat(ours.written);
    ours.other.decipher.decrypt(read, 0, read.length);
    expect(ours.other.payloads.map(sha256)).toEqual(PAYLOADS.map(sha256));
  }
});

test.each(KINDS)('%s: what ssh2 encrypts, is decrypted in place', (_name, kind) => {
  for (const isScript of otherEnds) {
    const ours = openBoth(kind, isScript);
    const { cipher, written } = ours.other;
    for (const payload of PAYLOADS) cipher.encrypt(filled(cipher.allocPacket(payload.length), payload));
    const read = Buffer.concat(written);
    const decryption = ours.decryption();
    if (decryption === undefined) throw new Error('not in place');
    let at = 0;
    for (const payload of PAYLOADS) {
      // Asked again, as where the rest of it is still to come.
      expect(decryption.packetBytes(read.subarray(0, at + 3), at)).toBeUndefined();
      const packetBytes = decryption.packetBytes(read.subarray(0, at + 16), at) ?? 0;
      expect(decryption.packetBytes(read, at)).toBe(packetBytes);
      const packet = decryption.decrypt(read, at, packetBytes);
      expect(packet.subarray(1, 1 + payload.length).equals(payload)).toBe(true);
      expect(packet.buffer === read.buffer).toBe(true);
      at += LENGTH_BYTES + packetBytes + decryption.tagBytes;
      ours.decipher.inSeqno = (ours.decipher.inSeqno + 1) >>> 0;
    }
    expect(at).toBe(read.length);
  }
});

test.each(KINDS)('%s: a packet of which a bit has changed is refused, wherever it is', (_name, kind) => {
  for (const place of ['length', 'body', 'tag'] as const) {
    const ours = openBoth(kind);
    const { cipher, written } = ours.other;
    cipher.encrypt(filled(cipher.allocPacket(40), Buffer.alloc(40, 'x')));
    const read = Buffer.concat(written);
    const changed = { length: 3, body: LENGTH_BYTES + 20, tag: read.length - 1 }[place];
    const decryption = ours.decryption();
    read[changed] = (read[changed] ?? 0) ^ (place === 'length' ? 0x20 : 1);
    const decrypt = (): void => {
      const packetBytes = decryption?.packetBytes(read, 0) ?? 0;
      // What would be complete with the changed length: more bytes come after it.
      const more = Buffer.concat([read, Buffer.alloc(64)]);
      decryption?.decrypt(more, 0, packetBytes);
    };
    expect(decrypt, place).toThrow(/changed on the way/);
  }
});

test.each(KINDS)('%s: lengths that no packet has are refused', (_name, kind) => {
  const ours = openBoth(kind);
  const decryption = ours.decryption();
  const random = Buffer.alloc(64, 0xa7);
  expect(() => decryption?.packetBytes(random, 0)).toThrow(/bad packet length/);
});

test.each(KINDS)('%s: a packet that ssh2 has built without room for the tag is sent whole', (_name, kind) => {
  const ours = openBoth(kind);
  const built = ours.cipher.allocPacket(10);
  const format = ours.format();
  if (format === undefined) throw new Error('not in place');
  ours.cipher.encrypt(filled(built, Buffer.from('newly keye')));
  ours.cipher.encrypt(packetOf(format, Buffer.from('and one with')));
  // Built for a cipher with another tag: while keys were exchanged.
  const forAnother = packetOf({ ...format, tagBytes: format.tagBytes + 4 }, Buffer.from('another tag'));
  ours.cipher.encrypt(forAnother);
  const read = Buffer.concat(ours.written);
  ours.other.decipher.decrypt(read, 0, read.length);
  expect(ours.other.payloads.map(String)).toEqual(['newly keye', 'and one with', 'another tag']);
});

test.each(KINDS)('%s: ssh2 may decrypt some packets before, and others between, by itself', (_name, kind) => {
  const ours = openBoth(kind);
  const decryptItself = ours.decipher.decrypt.bind(ours.decipher);
  const decryption = ours.decryption();
  const { cipher, written } = ours.other;
  const packets = ['first', 'second', 'third', 'fourth'].map((payload) => {
    written.length = 0;
    cipher.encrypt(filled(cipher.allocPacket(payload.length), Buffer.from(payload)));
    return Buffer.concat(written);
  });
  const [first, second, third, fourth] = packets as [Buffer, Buffer, Buffer, Buffer];
  const inPlace = (read: Buffer): string | undefined => {
    expect(decryption?.isBetweenPackets()).toBe(true);
    const packet = decryption?.decrypt(read, 0, decryption.packetBytes(read, 0) ?? 0);
    ours.decipher.inSeqno = (ours.decipher.inSeqno + 1) >>> 0;
    return packet?.toString('latin1', 1, 7);
  };
  // One in parts, of which ssh2 has begun the first.
  decryptItself(first, 0, 20);
  expect(decryption?.isBetweenPackets()).toBe(false);
  decryptItself(first, 20, first.length);
  expect(inPlace(second)).toBe('second');
  decryptItself(third, 0, third.length);
  expect(inPlace(fourth)).toBe('fourth');
  expect(ours.payloads.map(String)).toEqual(['first', 'third']);
});

test.each(KINDS)(
  '%s: after ssh2 has freed them, nothing is encrypted and nothing decrypted',
  (_name, kind) => {
    const ours = openBoth(kind);
    const format = ours.format();
    const decryption = ours.decryption();
    if (format === undefined) throw new Error('not in place');
    ours.cipher.encrypt(packetOf(format, Buffer.from('before')));
    const read = Buffer.concat(ours.written);
    for (const one of [ours.cipher, ours.decipher]) {
      one.free();
      one.free();
    }
    ours.cipher.encrypt(packetOf(format, Buffer.from('after')));
    expect(Buffer.concat(ours.written).equals(read)).toBe(true);
    expect(() => decryption?.decrypt(read, 0, decryption.packetBytes(read, 0) ?? 0)).toThrow(/freed/);
  },
);

test('another cipher is left as it is: of another kind, or with keys that are not known', () => {
  const cbc = openBoth({ algorithm: 'aes128-cbc', mac: 'hmac-sha2-256' });
  const ctr = openBoth({ algorithm: 'aes128-ctr', mac: 'hmac-sha2-256' });
  for (const { cipher, decipher } of [cbc, ctr]) {
    const { encrypt } = cipher;
    expect(encryptInPlace(cipher)).toBeUndefined();
    expect(cipher.encrypt).toBe(encrypt);
    expect(decryptionInPlace(decipher)).toBeUndefined();
  }
  expect(cbc.format()).toBeUndefined();
  const wrongKeys = { iv: Buffer.alloc, key: Buffer.alloc, macKey: Buffer.alloc };
  useKeystream(ctr.cipher, 'aes128-ctr', wrongKeys);
  useKeystreamToDecrypt(ctr.decipher, 'aes128-ctr', wrongKeys);
  expect(encryptInPlace(ctr.cipher)).toBeUndefined();
  expect(decryptionInPlace(ctr.decipher)).toBeUndefined();
});

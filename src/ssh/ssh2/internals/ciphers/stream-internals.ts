import { timingSafeEqual } from 'node:crypto';
import {
  type Cipher,
  checkLength,
  corruptedPacket,
  type Decipher,
  type Decryption,
  freeWith,
  LENGTH_BYTES,
  replaceEncryption,
} from './cipher-shape.ts';
import { NativeCipher } from './native-cipher.ts';
import { NativeMac } from './native-mac.ts';
import type { PacketFormat } from './packet-format.ts';
import type { DirectionKeys } from './session-keys.ts';

// AES in counter mode with an HMAC (RFC 4344, RFC 6668), whose MAC is over the packet, or over what is encrypted (-etm@openssh.com).

/** By ssh2's name: OpenSSL's, and the length of the key. */
const ALGORITHMS: ReadonlyMap<string, { readonly name: string; readonly keyBytes: number }> = new Map([
  ['aes128-ctr', { name: 'aes-128-ctr', keyBytes: 16 }],
  ['aes192-ctr', { name: 'aes-192-ctr', keyBytes: 24 }],
  ['aes256-ctr', { name: 'aes-256-ctr', keyBytes: 32 }],
]);
const BLOCK_BYTES = 16;
/** Of the longest digest, SHA-512. */
const MAX_MAC_BYTES = 64;

/** What stands where ssh2 has an object of Node's: it calls `update` of it, with the bytes in their order. */
interface Updating {
  update(bytes: Uint8Array): Uint8Array;
}

/** What both directions have of their MAC. */
interface ScriptMac {
  readonly _macSSLName: string;
  readonly _macKey: Buffer;
  /** What is sent of it. */
  readonly _macActualLen: number;
  /** Whether it is over what is encrypted, of which the length is not. */
  readonly _macETM: boolean;
}

/** `GenericCipherNative`: the JavaScript, by Node's own crypto. */
interface ScriptStreamCipher extends Cipher, ScriptMac {
  _cipherInstance: Updating;
}

/** `GenericDecipherNative`. */
interface ScriptStreamDecipher extends Decipher, ScriptMac {
  _decipherInstance: Updating;
  /** How much of a packet's first block has arrived; 0 between packets. */
  readonly _blockPos: number;
}

/** The one keystream of a direction, wherever the bytes are encrypted: by ssh2's code, or in place. */
class Keystream implements Updating {
  readonly #cipher: NativeCipher;

  constructor(cipher: NativeCipher) {
    this.#cipher = cipher;
  }

  /** Encrypts, or decrypts, into new memory. */
  update(bytes: Uint8Array): Buffer {
    const updated = Buffer.allocUnsafe(bytes.length);
    this.#pass(updated, bytes);
    return updated;
  }

  /** The same where the bytes are. */
  updateInPlace(bytes: Uint8Array): void {
    this.#pass(bytes, bytes);
  }

  #pass(to: Uint8Array, from: Uint8Array): void {
    if (from.length > 0 && !this.#cipher.pass(to, from))
      throw new Error('OpenSSL refuses AES in counter mode');
  }
}

/** Has a cipher of ssh2's JavaScript go by OpenSSL, before it has encrypted anything; others, and those it cannot, stay as they are. */
export function useKeystream(cipher: Cipher, algorithm: string, keys: DirectionKeys): void {
  if (cipher.constructor.name !== 'GenericCipherNative') return;
  const script = cipher as ScriptStreamCipher;
  script._cipherInstance = openKeystream(script, algorithm, keys) ?? script._cipherInstance;
}

/** The same of a decipher. */
export function useKeystreamToDecrypt(decipher: Decipher, algorithm: string, keys: DirectionKeys): void {
  if (decipher.constructor.name !== 'GenericDecipherNative') return;
  const script = decipher as ScriptStreamDecipher;
  script._decipherInstance = openKeystream(script, algorithm, keys) ?? script._decipherInstance;
}

function openKeystream(
  script: ScriptMac & Pick<Cipher, 'free'>,
  algorithm: string,
  keys: DirectionKeys,
): Keystream | undefined {
  const { name, keyBytes } = ALGORITHMS.get(algorithm) ?? {};
  if (name === undefined || keyBytes === undefined) return undefined;
  // They are made of the same secrets: where this one is right, the others are.
  if (!keys.macKey(script._macKey.length).equals(script._macKey)) return undefined;
  // To decrypt is the same as to encrypt.
  const cipher = NativeCipher.open(name, keys.key(keyBytes), keys.iv(BLOCK_BYTES), 'encrypt');
  if (cipher === undefined) return undefined;
  freeWith(script, () => cipher.free());
  return new Keystream(cipher);
}

/** Has a cipher after {@link useKeystream} encrypt in place. @returns undefined when it cannot, and is as it was */
export function encryptStream(cipher: Cipher): PacketFormat | undefined {
  const script = cipher as ScriptStreamCipher;
  const keystream = script._cipherInstance;
  const mac = keystream instanceof Keystream ? PacketMac.open(script) : undefined;
  if (!(keystream instanceof Keystream) || mac === undefined) return undefined;
  const tagBytes = script._macActualLen;
  const isOverEncrypted = script._macETM;
  const seal = (sequence: number, packet: Buffer): void => {
    const tagOffset = packet.length - tagBytes;
    if (isOverEncrypted) keystream.updateInPlace(packet.subarray(LENGTH_BYTES, tagOffset));
    mac.write(sequence, packet.subarray(0, tagOffset), packet.subarray(tagOffset));
    if (!isOverEncrypted) keystream.updateInPlace(packet.subarray(0, tagOffset));
  };
  replaceEncryption(cipher, tagBytes, seal, () => mac.free());
  return { blockBytes: BLOCK_BYTES, tagBytes, isLengthInBlocks: !isOverEncrypted };
}

/** How a decipher after {@link useKeystreamToDecrypt} decrypts in place; undefined when it cannot. */
export function decryptionOfStream(decipher: Decipher): Decryption | undefined {
  const script = decipher as ScriptStreamDecipher;
  const keystream = script._decipherInstance;
  const mac = keystream instanceof Keystream ? PacketMac.open(script) : undefined;
  if (!(keystream instanceof Keystream) || mac === undefined) return undefined;
  freeWith(script, () => mac.free());
  const isOverEncrypted = script._macETM;
  const tagBytes = script._macActualLen;
  /** What is looked at to know the length, and, where that is encrypted, is decrypted then. */
  const headBytes = isOverEncrypted ? LENGTH_BYTES : BLOCK_BYTES;
  /** Of a packet that is not complete. */
  let known: number | undefined;
  return {
    tagBytes,
    isBetweenPackets: () => script._blockPos === 0,
    packetBytes: (read, at) => {
      if (known !== undefined) return known;
      if (at + headBytes > read.length) return undefined;
      if (!isOverEncrypted) keystream.updateInPlace(read.subarray(at, at + headBytes));
      const packetBytes = read.readUInt32BE(at);
      checkLength(packetBytes, packetBytes + (isOverEncrypted ? 0 : LENGTH_BYTES), BLOCK_BYTES);
      known = packetBytes;
      return packetBytes;
    },
    decrypt: (read, at, packetBytes) => {
      const tagOffset = at + LENGTH_BYTES + packetBytes;
      const tag = read.subarray(tagOffset, tagOffset + tagBytes);
      if (!isOverEncrypted) keystream.updateInPlace(read.subarray(at + headBytes, tagOffset));
      mac.check(script.inSeqno, read.subarray(at, tagOffset), tag);
      if (isOverEncrypted) keystream.updateInPlace(read.subarray(at + headBytes, tagOffset));
      known = undefined;
      return read.subarray(at + LENGTH_BYTES, tagOffset);
    },
  };
}

/** The MAC of one direction: over the number of a packet, and the packet. */
class PacketMac {
  readonly #mac: NativeMac;
  readonly #sequence = Buffer.alloc(4);
  readonly #code = Buffer.alloc(MAX_MAC_BYTES);

  private constructor(mac: NativeMac) {
    this.#mac = mac;
  }

  static open({ _macSSLName: digest, _macKey: key }: ScriptMac): PacketMac | undefined {
    const mac = NativeMac.hmac(digest, key);
    return mac === undefined ? undefined : new PacketMac(mac);
  }

  /** Fills in as much of the code as is sent. */
  write(sequence: number, packet: Uint8Array, tag: Uint8Array): void {
    tag.set(this.#compute(sequence, packet, tag.length));
  }

  /** @throws Error when it is not the code of this packet */
  check(sequence: number, packet: Uint8Array, tag: Uint8Array): void {
    if (!timingSafeEqual(this.#compute(sequence, packet, tag.length), tag)) throw corruptedPacket();
  }

  /** Idempotent. */
  free(): void {
    this.#mac.free();
  }

  #compute(sequence: number, packet: Uint8Array, bytes: number): Uint8Array {
    this.#sequence.writeUInt32BE(sequence, 0);
    this.#mac.restart();
    this.#mac.update(this.#sequence);
    this.#mac.update(packet);
    this.#mac.finish(this.#code);
    return this.#code.subarray(0, bytes);
  }
}

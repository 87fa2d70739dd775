import { AesGcm, TAG_BYTES } from './native-aes-gcm.ts';

// ssh2's classes for AES-GCM (lib/protocol/crypto.js), which has each twice: those in its native code work in place, those in
// JavaScript make an object of Node's and new memory for each packet. Not public; channel-internals.ts refuses any other version than
// the one this was written against.

const LENGTH_BYTES = 4;

/** RFC 5647 section 7.1: the last 8 bytes of the IV count the packets. */
const COUNTER_OFFSET = 4;
const IV_BYTES = 12;

/** One for each key exchange. */
export interface Cipher {
  allocPacket(payloadBytes: number): Buffer;
  /** In place, after {@link encryptInPlace}. */
  encrypt(packet: Buffer): void;
  /** Gets each packet right after it was encrypted; by ssh2's own JavaScript in several parts. */
  _onWrite(packet: Buffer): void;
  /** By ssh2, when the next one takes its place, and at the end of the connection. */
  free(): void;
}

/** One for each key exchange. */
export interface Decipher {
  /** A packet of which all but its tag has arrived is a view of the read; one of which less has arrived is a copy. */
  readonly _packet: Uint8Array | null;
  decrypt(read: Buffer, at: number, end: number): number | undefined;
  free(): void;
}

/** What both classes have. */
export interface GcmDecipher extends Decipher {
  inSeqno: number;
  /** How much of a packet's length has arrived; 0 between packets. */
  readonly _lenBytes: number;
  /** A result ends the decryption of this read: there, or where it was when false. */
  _onPayload(payload: Buffer): number | false | undefined;
}

/** `AESGCMDecipherBinding`. */
interface NativeGcmDecipher extends GcmDecipher {
  readonly _instance: { decrypt(packet: Uint8Array, length: number, tag: Uint8Array): void };
}

/** `AESGCMCipherNative`: the JavaScript, by Node's own crypto. */
interface ScriptGcmCipher extends Cipher {
  readonly _encSSLName: string;
  readonly _encKey: Buffer;
  readonly _encIV: Buffer;
  outSeqno: number;
  _dead: boolean;
}

/** `AESGCMDecipherNative`. */
interface ScriptGcmDecipher extends GcmDecipher {
  readonly _decipherSSLName: string;
  readonly _decipherKey: Buffer;
  readonly _decipherIV: Buffer;
}

/**
 * Decrypts a whole packet in place.
 *
 * @param at where its length is
 * @param packetBytes without length and tag
 * @returns the packet without them
 * @throws Error when it is not what was sent
 */
export type Decryption = (read: Buffer, at: number, packetBytes: number) => Buffer;

/**
 * Has a cipher encrypt in place.
 *
 * @returns false when it cannot: another cipher, or neither ssh2's native code nor Node's OpenSSL is there. It is as it was then.
 */
export function encryptInPlace(cipher: Cipher): boolean {
  const { name } = cipher.constructor;
  return name === 'AESGCMCipherBinding' || (name === 'AESGCMCipherNative' && replaceEncryption(cipher));
}

/** How a decipher decrypts in place; undefined when it cannot, as for {@link encryptInPlace}. */
export function decryptionInPlace(decipher: Decipher): Decryption | undefined {
  switch (decipher.constructor.name) {
    case 'AESGCMDecipherBinding': {
      const { _instance: instance } = decipher as NativeGcmDecipher;
      return (read, at, packetBytes) => {
        const packet = read.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + packetBytes);
        const tagOffset = at + LENGTH_BYTES + packetBytes;
        instance.decrypt(packet, packetBytes, read.subarray(tagOffset, tagOffset + TAG_BYTES));
        return packet;
      };
    }
    case 'AESGCMDecipherNative':
      return replacedDecryption(decipher as ScriptGcmDecipher);
    default:
      return undefined;
  }
}

function replaceEncryption(cipher: Cipher): boolean {
  const script = cipher as ScriptGcmCipher;
  const iv = script._encIV;
  const gcm = AesGcm.open(script._encSSLName, script._encKey, 'encrypt');
  if (gcm === undefined) return false;
  script.encrypt = (given) => {
    if (script._dead) return;
    const packet = withRoomForTag(given);
    const tagOffset = packet.length - TAG_BYTES;
    const bytes = packet.subarray(LENGTH_BYTES, tagOffset);
    gcm.encrypt(iv, packet.subarray(0, LENGTH_BYTES), bytes, packet.subarray(tagOffset));
    countUp(iv);
    script._onWrite(packet);
    script.outSeqno = (script.outSeqno + 1) >>> 0;
  };
  script.free = () => {
    script._dead = true;
    gcm.free();
  };
  return true;
}

function replacedDecryption(script: ScriptGcmDecipher): Decryption | undefined {
  // The same memory as ssh2's own code counts in, which goes on where a packet has begun with it.
  const iv = script._decipherIV;
  const gcm = AesGcm.open(script._decipherSSLName, script._decipherKey, 'decrypt');
  if (gcm === undefined) return undefined;
  script.free = () => gcm.free();
  return (read, at, packetBytes) => {
    const packet = read.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + packetBytes);
    const tagOffset = at + LENGTH_BYTES + packetBytes;
    const tag = read.subarray(tagOffset, tagOffset + TAG_BYTES);
    gcm.decrypt(iv, read.subarray(at, at + LENGTH_BYTES), packet, tag);
    countUp(iv);
    return packet;
  };
}

/** Packets that ssh2 builds by itself, during a key exchange, end with their padding. */
function withRoomForTag(packet: Buffer): Buffer {
  const unsealedBytes = LENGTH_BYTES + packet.readUInt32BE(0);
  return packet.length === unsealedBytes ? Buffer.concat([packet], unsealedBytes + TAG_BYTES) : packet;
}

function countUp(iv: Buffer): void {
  for (let at = IV_BYTES - 1; at >= COUNTER_OFFSET; at--) {
    const digit = ((iv[at] ?? 0) + 1) & 0xff;
    iv[at] = digit;
    if (digit !== 0) return;
  }
}

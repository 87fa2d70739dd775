import {
  type Cipher,
  checkLength,
  type Decipher,
  type Decryption,
  LENGTH_BYTES,
  replaceEncryption,
} from './cipher-shape.ts';
import { AesGcm } from './native-aes-gcm.ts';
import { GCM_FORMAT, type PacketFormat } from './packet-format.ts';

/** RFC 5647 section 7.1: the last 8 bytes of the IV count the packets. */
const COUNTER_OFFSET = 4;
const IV_BYTES = 12;
const { blockBytes: BLOCK_BYTES, tagBytes: TAG_BYTES } = GCM_FORMAT;

/** `AESGCMCipherNative`: the JavaScript, by Node's own crypto. */
interface ScriptGcmCipher extends Cipher {
  readonly _encSSLName: string;
  readonly _encKey: Buffer;
  readonly _encIV: Buffer;
}

/** `AESGCMDecipherNative`. */
interface ScriptGcmDecipher extends Decipher {
  /** How much of a packet's length has arrived; 0 between packets. */
  readonly _lenBytes: number;
  readonly _decipherSSLName: string;
  readonly _decipherKey: Buffer;
  readonly _decipherIV: Buffer;
}

/** Has an `AESGCMCipherNative` encrypt in place. @returns undefined when it cannot, and is as it was */
export function encryptGcm(cipher: Cipher): PacketFormat | undefined {
  const { _encSSLName: algorithm, _encKey: key, _encIV: iv } = cipher as ScriptGcmCipher;
  const gcm = AesGcm.open(algorithm, key, 'encrypt');
  if (gcm === undefined) return undefined;
  const seal = (_sequence: number, packet: Buffer): void => {
    const tagOffset = packet.length - TAG_BYTES;
    const bytes = packet.subarray(LENGTH_BYTES, tagOffset);
    gcm.encrypt(iv, packet.subarray(0, LENGTH_BYTES), bytes, packet.subarray(tagOffset));
    countUp(iv);
  };
  replaceEncryption(cipher, TAG_BYTES, seal, () => gcm.free());
  return GCM_FORMAT;
}

/** How an `AESGCMDecipherNative` decrypts in place; undefined when it cannot. */
export function decryptionOfGcm(decipher: Decipher): Decryption | undefined {
  const script = decipher as ScriptGcmDecipher;
  // The same memory as ssh2's own code counts in, which goes on where a packet has begun with it.
  const iv = script._decipherIV;
  const gcm = AesGcm.open(script._decipherSSLName, script._decipherKey, 'decrypt');
  if (gcm === undefined) return undefined;
  script.free = () => gcm.free();
  return {
    tagBytes: TAG_BYTES,
    isBetweenPackets: () => script._lenBytes === 0,
    packetBytes: (read, at) => {
      if (at + LENGTH_BYTES > read.length) return undefined;
      const packetBytes = read.readUInt32BE(at);
      checkLength(packetBytes, packetBytes, BLOCK_BYTES);
      return packetBytes;
    },
    decrypt: (read, at, packetBytes) => {
      const tagOffset = at + LENGTH_BYTES + packetBytes;
      const packet = read.subarray(at + LENGTH_BYTES, tagOffset);
      const length = read.subarray(at, at + LENGTH_BYTES);
      gcm.decrypt(iv, length, packet, read.subarray(tagOffset, tagOffset + TAG_BYTES));
      countUp(iv);
      return packet;
    },
  };
}

function countUp(iv: Buffer): void {
  for (let at = IV_BYTES - 1; at >= COUNTER_OFFSET; at--) {
    const digit = ((iv[at] ?? 0) + 1) & 0xff;
    iv[at] = digit;
    if (digit !== 0) return;
  }
}

import {
  type Cipher,
  checkLength,
  type Decipher,
  type Decryption,
  freeWith,
  LENGTH_BYTES,
  replaceEncryption,
} from './cipher-shape.ts';
import { ChaChaPoly, TAG_BYTES } from './native-chacha-poly.ts';
import type { PacketFormat } from './packet-format.ts';

/** RFC 4253 section 6: of a cipher without blocks. */
const BLOCK_BYTES = 8;

const FORMAT: PacketFormat = { blockBytes: BLOCK_BYTES, tagBytes: TAG_BYTES, isLengthInBlocks: false };

/** `ChaChaPolyCipherNative`: the JavaScript, by Node's own crypto and WebAssembly. */
interface ScriptChaChaCipher extends Cipher {
  readonly _encKeyMain: Buffer;
  readonly _encKeyPktLen: Buffer;
}

/** `ChaChaPolyDecipherNative`. */
interface ScriptChaChaDecipher extends Decipher {
  readonly _decKeyMain: Buffer;
  readonly _decKeyPktLen: Buffer;
  /** How much of a packet's length has arrived; 0 between packets. */
  readonly _lenPos: number;
}

/** Has a `ChaChaPolyCipherNative` encrypt in place. @returns undefined when it cannot, and is as it was */
export function encryptChaCha(cipher: Cipher): PacketFormat | undefined {
  const { _encKeyMain: bodyKey, _encKeyPktLen: lengthKey } = cipher as ScriptChaChaCipher;
  const chacha = ChaChaPoly.open(bodyKey, lengthKey);
  if (chacha === undefined) return undefined;
  replaceEncryption(
    cipher,
    TAG_BYTES,
    (sequence, packet) => chacha.seal(sequence, packet),
    () => chacha.free(),
  );
  return FORMAT;
}

/** How a `ChaChaPolyDecipherNative` decrypts in place; undefined when it cannot. */
export function decryptionOfChaCha(decipher: Decipher): Decryption | undefined {
  const script = decipher as ScriptChaChaDecipher;
  const chacha = ChaChaPoly.open(script._decKeyMain, script._decKeyPktLen);
  if (chacha === undefined) return undefined;
  freeWith(script, () => chacha.free());
  /** Of a packet that is not complete. */
  let known: number | undefined;
  return {
    tagBytes: TAG_BYTES,
    isBetweenPackets: () => script._lenPos === 0,
    packetBytes: (read, at) => {
      if (known !== undefined) return known;
      if (at + LENGTH_BYTES > read.length) return undefined;
      const packetBytes = chacha.lengthOf(script.inSeqno, read.subarray(at, at + LENGTH_BYTES));
      checkLength(packetBytes, packetBytes, BLOCK_BYTES);
      known = packetBytes;
      return packetBytes;
    },
    decrypt: (read, at, packetBytes) => {
      const tagOffset = at + LENGTH_BYTES + packetBytes;
      chacha.open(
        script.inSeqno,
        read.subarray(at, tagOffset),
        read.subarray(tagOffset, tagOffset + TAG_BYTES),
      );
      known = undefined;
      return read.subarray(at + LENGTH_BYTES, tagOffset);
    },
  };
}

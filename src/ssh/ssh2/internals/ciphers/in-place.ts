import { decryptionOfChaCha, encryptChaCha } from './chacha-internals.ts';
import type { Cipher, Decipher, Decryption } from './cipher-shape.ts';
import { decryptionOfGcm, encryptGcm } from './gcm-internals.ts';
import type { PacketFormat } from './packet-format.ts';
import { decryptionOfStream, encryptStream } from './stream-internals.ts';

/**
 * Has a cipher of ssh2's JavaScript encrypt in place.
 *
 * @returns the packets that it takes; undefined when it cannot: another cipher, or Node's OpenSSL is not to be
 *   had. It is as it was then.
 */
export function encryptInPlace(cipher: Cipher): PacketFormat | undefined {
  switch (cipher.constructor.name) {
    case 'AESGCMCipherNative':
      return encryptGcm(cipher);
    case 'ChaChaPolyCipherNative':
      return encryptChaCha(cipher);
    case 'GenericCipherNative':
      return encryptStream(cipher);
    default:
      return undefined;
  }
}

/** How a decipher decrypts in place; undefined when it cannot, as for {@link encryptInPlace}. */
export function decryptionInPlace(decipher: Decipher): Decryption | undefined {
  switch (decipher.constructor.name) {
    case 'AESGCMDecipherNative':
      return decryptionOfGcm(decipher);
    case 'ChaChaPolyDecipherNative':
      return decryptionOfChaCha(decipher);
    case 'GenericDecipherNative':
      return decryptionOfStream(decipher);
    default:
      return undefined;
  }
}

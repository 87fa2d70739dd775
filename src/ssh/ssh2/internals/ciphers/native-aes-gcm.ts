import { corruptedPacket } from './cipher-shape.ts';
import { NativeCipher } from './native-cipher.ts';

/** openssl/evp.h. */
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;

/** AES-GCM for one key and one direction, in place: the same calls as OpenSSH's (cipher.c). */
export class AesGcm {
  readonly #cipher: NativeCipher;

  private constructor(cipher: NativeCipher) {
    this.#cipher = cipher;
  }

  /**
   * @param algorithm OpenSSL's name: `aes-128-gcm`, `aes-256-gcm`
   * @returns owned, and freed, by the caller; undefined where there is none
   */
  static open(algorithm: string, key: Uint8Array, direction: 'encrypt' | 'decrypt'): AesGcm | undefined {
    const cipher = NativeCipher.open(algorithm, key, undefined, direction);
    return cipher === undefined ? undefined : new AesGcm(cipher);
  }

  /**
   * Encrypts `bytes` where they are, and fills in the tag.
   *
   * @param header what is authenticated beside them
   * @throws Error when OpenSSL refuses, or it is freed
   */
  encrypt(iv: Uint8Array, header: Uint8Array, bytes: Uint8Array, tag: Uint8Array): void {
    this.#cipher.restart(iv);
    const isDone = this.#pass(header, bytes) && this.#cipher.control(EVP_CTRL_AEAD_GET_TAG, tag);
    if (!isDone) throw new Error('AES-GCM cannot encrypt');
  }

  /**
   * Decrypts `bytes` where they are. What they are then is worth nothing when it throws.
   *
   * @throws Error when they, the header or the tag are not what was sent, or it is freed
   */
  decrypt(iv: Uint8Array, header: Uint8Array, bytes: Uint8Array, tag: Uint8Array): void {
    this.#cipher.restart(iv);
    const isGenuine = this.#cipher.control(EVP_CTRL_AEAD_SET_TAG, tag) && this.#pass(header, bytes);
    if (!isGenuine) throw corruptedPacket();
  }

  /** Gives its memory back. Idempotent. */
  free(): void {
    this.#cipher.free();
  }

  #pass(header: Uint8Array, bytes: Uint8Array): boolean {
    const cipher = this.#cipher;
    return cipher.pass(null, header) && cipher.pass(bytes, bytes) && cipher.pass(null, null);
  }
}

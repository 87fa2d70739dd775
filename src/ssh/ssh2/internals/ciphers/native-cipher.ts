import { type OpenSsl, openSsl, type Pointer } from './openssl.ts';

const AS_BEFORE = -1;

/**
 * A cipher with one key and one direction, in place, by the OpenSSL that is part of Node (native-notes/openssl-in-node.md): Node's own
 * interface makes an object and new memory for each packet.
 */
export class NativeCipher {
  readonly #openSsl: OpenSsl;
  readonly #algorithm: string;
  #context: Pointer;

  private constructor(native: OpenSsl, algorithm: string, context: Pointer) {
    this.#openSsl = native;
    this.#algorithm = algorithm;
    this.#context = context;
  }

  /**
   * @param algorithm OpenSSL's name, as `aes-128-gcm`
   * @param iv undefined where each packet has its own, by {@link restart}
   * @returns owned, and freed, by the caller; undefined where there is none
   */
  static open(
    algorithm: string,
    key: Uint8Array,
    iv: Uint8Array | undefined,
    direction: 'encrypt' | 'decrypt',
  ): NativeCipher | undefined {
    const native = openSsl();
    const context = native?.newContext();
    if (native === undefined || context === null) return undefined;
    const opened = new NativeCipher(native, algorithm, context);
    const cipher = native.cipherByName(algorithm);
    const isReady =
      cipher !== null &&
      native.start(context, cipher, null, key, iv ?? null, direction === 'encrypt' ? 1 : 0) === 1;
    if (isReady) return opened;
    opened.free();
    return undefined;
  }

  /** Begins anew with the same key. @throws Error when OpenSSL refuses, or it is freed */
  restart(iv: Uint8Array): void {
    if (this.#openSsl.start(this.#live(), null, null, null, iv, AS_BEFORE) === 1) return;
    throw new Error(`${this.#algorithm}: no new start`);
  }

  /**
   * Passes bytes through, to where they are or to elsewhere, and, of a cipher with authentication, what is authenticated only.
   *
   * @param to null for what is authenticated only
   * @param from null at the end of a packet with authentication, where the tag is compared; not empty
   * @returns false when OpenSSL refuses
   * @throws Error when it is freed
   */
  pass(to: Uint8Array | null, from: Uint8Array | null): boolean {
    return this.#openSsl.update(this.#live(), to, from, from?.length ?? 0) >= 0;
  }

  /** EVP_CIPHER_CTX_ctrl(3). */
  control(command: number, memory: Uint8Array): boolean {
    return this.#openSsl.control(this.#live(), command, memory.length, memory) === 1;
  }

  /** Gives its memory back. Idempotent. */
  free(): void {
    if (this.#context === null) return;
    this.#openSsl.freeContext(this.#context);
    this.#context = null;
  }

  #live(): Pointer {
    if (this.#context === null) throw new Error(`${this.#algorithm}: used after it was freed`);
    return this.#context;
  }
}

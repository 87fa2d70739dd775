import { addressOf } from '../../../../net/native/library.ts';
import { type OpenSsl, openSsl, type Pointer } from './openssl.ts';

/** An OSSL_PARAM(3), of which the last of a list is all zeros: key, type, data, bytes of data, bytes returned. */
const PARAMETER_BYTES = 40;
const UTF8_STRING = 4;

/** A message authentication code, by the OpenSSL that is part of Node. */
export class NativeMac {
  readonly #openSsl: OpenSsl;
  #context: Pointer;

  private constructor(native: OpenSsl, context: Pointer) {
    this.#openSsl = native;
    this.#context = context;
  }

  /** Poly1305, which needs a key each time. @returns owned, and freed, by the caller; undefined where there is none */
  static poly1305(): NativeMac | undefined {
    return NativeMac.#open('POLY1305');
  }

  /** HMAC with one key. @param digest as OpenSSL calls it @returns as {@link poly1305} */
  static hmac(digest: string, key: Uint8Array): NativeMac | undefined {
    const opened = NativeMac.#open('HMAC');
    const [name, value] = [Buffer.from('digest\0'), Buffer.from(`${digest}\0`)];
    const parameters = Buffer.alloc(2 * PARAMETER_BYTES);
    parameters.writeBigUInt64LE(addressOf(name), 0);
    parameters.writeUInt32LE(UTF8_STRING, 8);
    parameters.writeBigUInt64LE(addressOf(value), 16);
    parameters.writeBigUInt64LE(BigInt(digest.length), 24);
    if (opened === undefined || opened.#start(key, parameters)) return opened;
    opened.free();
    return undefined;
  }

  /** Whether there is any. */
  static isThere(): boolean {
    const mac = NativeMac.poly1305();
    mac?.free();
    return mac !== undefined;
  }

  static #open(algorithm: string): NativeMac | undefined {
    const native = openSsl();
    // The layout above is of 64 bits, in the byte order of all of Node's platforms that have them.
    const mac =
      process.arch === 'arm' || process.arch === 'ia32' ? null : native?.fetchMac(null, algorithm, null);
    if (native === undefined || mac === null) return undefined;
    const context = native.newMac(mac);
    // The context has its own share of it.
    native.releaseMac(mac);
    return context === null ? undefined : new NativeMac(native, context);
  }

  /** @param key the same as before where undefined @throws Error when OpenSSL refuses, or it is freed */
  restart(key?: Uint8Array): void {
    if (!this.#start(key ?? null, null)) throw new Error('no new start of the authentication of a packet');
  }

  /** @throws Error as {@link restart} */
  update(bytes: Uint8Array): void {
    if (this.#openSsl.updateMac(this.#live(), bytes, bytes.length) !== 1)
      throw new Error('a packet cannot be authenticated');
  }

  /** @param to as long as the code, or longer @throws Error as {@link restart} */
  finish(to: Uint8Array): void {
    if (this.#openSsl.finishMac(this.#live(), to, null, to.length) !== 1)
      throw new Error('a packet cannot be authenticated');
  }

  /** Gives its memory back. Idempotent. */
  free(): void {
    if (this.#context === null) return;
    this.#openSsl.freeMac(this.#context);
    this.#context = null;
  }

  #start(key: Uint8Array | null, parameters: Uint8Array | null): boolean {
    return this.#openSsl.startMac(this.#live(), key, key?.length ?? 0, parameters) === 1;
  }

  #live(): Pointer {
    if (this.#context === null) throw new Error('the authentication of packets is used after it was freed');
    return this.#context;
  }
}

import { openOwnProgram } from '../../../net/native/library.ts';

/** openssl/evp.h. */
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;
const AS_BEFORE = -1;

/** RFC 5647 section 7.1. */
export const TAG_BYTES = 16;

/** An `EVP_CIPHER_CTX *`, and other pointers. */
type Pointer = unknown;

interface OpenSsl {
  readonly cipherByName: (name: string) => Pointer;
  readonly newContext: () => Pointer;
  readonly freeContext: (context: Pointer) => void;
  readonly start: (
    context: Pointer,
    cipher: Pointer,
    engine: null,
    key: Uint8Array | null,
    iv: Uint8Array | null,
    isEncryption: number,
  ) => number;
  readonly control: (context: Pointer, command: number, bytes: number, memory: Uint8Array) => number;
  readonly update: (
    context: Pointer,
    to: Uint8Array | null,
    from: Uint8Array | null,
    bytes: number,
  ) => number;
}

let loaded: OpenSsl | 'none' | undefined;

/**
 * AES-GCM for one key and one direction, in place, by the OpenSSL that is part of Node (native-notes/openssl-in-node.md): Node's own
 * interface makes an object and new memory for each packet.
 */
export class AesGcm {
  readonly #openSsl: OpenSsl;
  #context: Pointer;

  private constructor(openSsl: OpenSsl, context: Pointer) {
    this.#openSsl = openSsl;
    this.#context = context;
  }

  /** Whether this Node shows its OpenSSL. */
  static get isAvailable(): boolean {
    return openSsl() !== 'none';
  }

  /**
   * @param algorithm OpenSSL's name: `aes-128-gcm`, `aes-256-gcm`
   * @returns owned, and freed, by the caller; undefined where there is none
   */
  static open(algorithm: string, key: Uint8Array, direction: 'encrypt' | 'decrypt'): AesGcm | undefined {
    const native = openSsl();
    if (native === 'none') return undefined;
    const cipher = native.cipherByName(algorithm);
    const context = native.newContext();
    if (context === null) return undefined;
    const gcm = new AesGcm(native, context);
    const isReady =
      cipher !== null &&
      native.start(context, cipher, null, key, null, direction === 'encrypt' ? 1 : 0) === 1;
    if (isReady) return gcm;
    gcm.free();
    return undefined;
  }

  /**
   * Encrypts `bytes` where they are, and fills in the tag.
   *
   * @param header what is authenticated beside them
   * @throws Error when OpenSSL refuses, or it is freed
   */
  encrypt(iv: Uint8Array, header: Uint8Array, bytes: Uint8Array, tag: Uint8Array): void {
    const { control } = this.#openSsl;
    const context = this.#begin(iv);
    const isDone =
      this.#passThrough(context, header, bytes) &&
      control(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) === 1;
    if (!isDone) throw new Error('AES-GCM cannot encrypt');
  }

  /**
   * Decrypts `bytes` where they are. What they are then is worth nothing when it throws.
   *
   * @throws Error when they, the header or the tag are not what was sent, or it is freed
   */
  decrypt(iv: Uint8Array, header: Uint8Array, bytes: Uint8Array, tag: Uint8Array): void {
    const { control } = this.#openSsl;
    const context = this.#begin(iv);
    const isGenuine =
      control(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) === 1 &&
      this.#passThrough(context, header, bytes);
    if (!isGenuine) throw new Error('AES-GCM: the packet is not what was sent');
  }

  /** Gives its memory back. Idempotent. */
  free(): void {
    if (this.#context === null) return;
    this.#openSsl.freeContext(this.#context);
    this.#context = null;
  }

  #begin(iv: Uint8Array): Pointer {
    const context = this.#context;
    if (context === null) throw new Error('AES-GCM: used after it was freed');
    if (this.#openSsl.start(context, null, null, null, iv, AS_BEFORE) === 1) return context;
    throw new Error('AES-GCM: no new start');
  }

  /** EVP_Cipher of a GCM: bytes, or less than 0 (EVP_EncryptInit(3)); without input it is the end, where the tag is compared. */
  #passThrough(context: Pointer, header: Uint8Array, bytes: Uint8Array): boolean {
    const { update } = this.#openSsl;
    return (
      update(context, null, header, header.length) >= 0 &&
      update(context, bytes, bytes, bytes.length) >= 0 &&
      update(context, null, null, 0) >= 0
    );
  }
}

function openSsl(): OpenSsl | 'none' {
  loaded ??= loadOpenSsl();
  return loaded;
}

function loadOpenSsl(): OpenSsl | 'none' {
  try {
    const program = openOwnProgram();
    return {
      cipherByName: program.func('const void *EVP_get_cipherbyname(const char *name)'),
      newContext: program.func('void *EVP_CIPHER_CTX_new()'),
      freeContext: program.func('void EVP_CIPHER_CTX_free(void *context)'),
      start: program.func(
        'int EVP_CipherInit_ex(void *context, const void *cipher, void *engine, const void *key, const void *iv, int isEncryption)',
      ),
      control: program.func('int EVP_CIPHER_CTX_ctrl(void *context, int command, int bytes, void *memory)'),
      update: program.func('int EVP_Cipher(void *context, void *to, const void *from, unsigned int bytes)'),
    } as OpenSsl;
  } catch {
    // A Node whose linker hides them; or no koffi, which others say with a remedy.
    return 'none';
  }
}

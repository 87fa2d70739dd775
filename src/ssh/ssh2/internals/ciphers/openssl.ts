import { openOwnProgram } from '../../../../net/native/library.ts';

/** An `EVP_CIPHER_CTX *`, and other pointers. */
export type Pointer = unknown;

/** Functions of the OpenSSL that is part of Node (native-notes/openssl-in-node.md). */
export interface OpenSsl {
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
  readonly fetchMac: (library: null, name: string, properties: null) => Pointer;
  readonly releaseMac: (mac: Pointer) => void;
  readonly newMac: (mac: Pointer) => Pointer;
  readonly freeMac: (context: Pointer) => void;
  readonly startMac: (
    context: Pointer,
    key: Uint8Array | null,
    keyBytes: number,
    parameters: Uint8Array | null,
  ) => number;
  readonly updateMac: (context: Pointer, from: Uint8Array, bytes: number) => number;
  readonly finishMac: (context: Pointer, to: Uint8Array, written: null, bytes: number) => number;
}

let loaded: OpenSsl | 'none' | undefined;

/** Whether this Node shows its OpenSSL, and can call it. */
export function hasOpenSsl(): boolean {
  return openSsl() !== undefined;
}

/** Loads them on first use; undefined where this Node shows none, or there is no koffi. */
export function openSsl(): OpenSsl | undefined {
  loaded ??= loadOpenSsl();
  return loaded === 'none' ? undefined : loaded;
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
      fetchMac: program.func('void *EVP_MAC_fetch(void *library, const char *name, const char *properties)'),
      releaseMac: program.func('void EVP_MAC_free(void *mac)'),
      newMac: program.func('void *EVP_MAC_CTX_new(void *mac)'),
      freeMac: program.func('void EVP_MAC_CTX_free(void *context)'),
      startMac: program.func(
        'int EVP_MAC_init(void *context, const void *key, size_t keyBytes, const void *parameters)',
      ),
      updateMac: program.func('int EVP_MAC_update(void *context, const void *from, size_t bytes)'),
      finishMac: program.func('int EVP_MAC_final(void *context, void *to, void *written, size_t bytes)'),
    } as OpenSsl;
  } catch {
    // A Node whose linker hides them; or no koffi, which others say with a remedy.
    return 'none';
  }
}

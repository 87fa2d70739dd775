import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import type { default as koffi, LibraryHandle } from 'koffi';
import { messageOf, TshuttleError } from '../../core/errors.ts';

type Koffi = typeof koffi;

/** A `long`, and a pointer, in C. */
export const WORD_BYTES = process.arch === 'arm' || process.arch === 'ia32' ? 4 : 8;

let loaded: Koffi | undefined;

/**
 * Loads koffi on first use, so that commands that need no native call start without it.
 *
 * @throws TshuttleError ERR_INTERNAL when koffi has no build for this platform (native-notes/koffi.md).
 */
function loadKoffi(): Koffi {
  try {
    loaded ??= createRequire(import.meta.url)('koffi') as Koffi;
    return loaded;
  } catch (error) {
    // The loader adds who has asked for it.
    const [reason] = messageOf(error).split('\n', 1);
    throw new TshuttleError('ERR_INTERNAL', `cannot load koffi on this machine: ${reason}`, {
      remedy: 'reinstall with optional dependencies (npm ci, without --omit=optional)',
      cause: error,
    });
  }
}

/** The C library that this process already has, for `library.func('int name(...)')`. */
export function openLibc(): LibraryHandle {
  return loadKoffi().load(process.platform === 'darwin' ? '/usr/lib/libSystem.B.dylib' : null);
}

/** Null where it loads. */
let failure: TshuttleError | null | undefined;

/** Why there is no native library at all, with the remedy; undefined where there is one. */
export function whyNoNativeLibrary(): TshuttleError | undefined {
  if (failure === undefined) {
    try {
      loadKoffi();
      failure = null;
    } catch (error) {
      failure = error as TshuttleError;
    }
  }
  return failure ?? undefined;
}

/** Whether there is a native library: what is only faster or better with one goes on without. */
export function hasNativeLibrary(): boolean {
  return whyNoNativeLibrary() === undefined;
}

/**
 * A function of the C library.
 *
 * @param instead stands in for it where there is no native library, or the system has no such function, as Windows has none of POSIX:
 *   it fails, as the system may
 */
export function libcFunctionOr<F>(declaration: string, instead: F): F {
  if (process.platform === 'win32' || !hasNativeLibrary()) return instead;
  return openLibc().func(declaration) as F;
}

/** What this process is made of: its own program, and all libraries that it was linked with. */
export function openOwnProgram(): LibraryHandle {
  return loadKoffi().load(null);
}

/**
 * Opens a shared library by its soname.
 *
 * @returns undefined when the machine has none.
 */
export function openSharedLibrary(soname: string): LibraryHandle | undefined {
  const native = loadKoffi();
  try {
    return native.load(soname);
  } catch {
    return undefined;
  }
}

/** Makes a C struct known by its name to the functions that are declared later; once for each name. */
export function defineStruct(name: string, fields: Readonly<Record<string, string>>): void {
  loadKoffi().struct(name, fields);
}

/** Where bytes lie, for a struct that a native call reads; they must stay referred to until it returns. */
export function addressOf(bytes: Uint8Array): bigint {
  return loadKoffi().address(bytes);
}

/** `errno` of the last native call in this thread. */
export function lastErrno(): number {
  return loadKoffi().errno();
}

/** What the last native call in this thread has failed with, as Node tells of a call: with the `code` of the system. */
export function lastSystemError(call: string): Error & { readonly code: string } {
  const code = getSystemErrorName(-(lastErrno() || EINVAL));
  return Object.assign(new Error(`${call} ${code}`), { code });
}

/** asm-generic/errno-base.h. For a call that stands in for one that the system has not, and says nothing. */
const EINVAL = 22;

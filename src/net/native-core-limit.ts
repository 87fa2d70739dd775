import { openLibc } from './native-library.ts';

/** sys/resource.h: the same on Linux, macOS and the BSDs. */
const RLIMIT_CORE = 4;

/** A `long`, which rlim_t is. */
const WORD_BYTES = process.arch === 'arm' || process.arch === 'ia32' ? 4 : 8;

type LimitCall = (resource: number, limits: Buffer) => number;

/** `struct rlimit` as it was before: the soft limit, and the hard one, which stays. */
let users: Buffer | undefined;
let setLimit: LimitCall | undefined;

/**
 * Sets the soft limit of core files to 0: one would hold the passwords that this process has, in whatever folder it is.
 * Idempotent; where it fails nothing else is lost.
 *
 * The process stays dumpable (PR_SET_DUMPABLE): else its /proc/PID/fd would be root's, by which a pid file is judged.
 *
 * @throws TshuttleError ERR_INTERNAL without a native library
 */
export function forbidCoreFiles(): void {
  if (users !== undefined) return;
  const libc = openLibc();
  const limits = Buffer.alloc(2 * WORD_BYTES);
  const getLimit = libc.func('int getrlimit(int resource, _Out_ void *limits)') as LimitCall;
  setLimit = libc.func('int setrlimit(int resource, const void *limits)') as LimitCall;
  if (getLimit(RLIMIT_CORE, limits) !== 0) return;
  users = limits;
  setLimit(RLIMIT_CORE, withoutSoft(limits));
}

/** Starts a program of the user's, which keeps the user's own limit: a child has that of the moment of fork(2). */
export function withUsersCoreLimit<T>(start: () => T): T {
  if (users === undefined) return start();
  setLimit!(RLIMIT_CORE, users);
  try {
    return start();
  } finally {
    setLimit!(RLIMIT_CORE, withoutSoft(users));
  }
}

function withoutSoft(limits: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(WORD_BYTES), limits.subarray(WORD_BYTES)]);
}

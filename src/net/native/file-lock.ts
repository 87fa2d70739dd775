import { lastErrno, openLibc } from './library.ts';

/** sys/file.h; the same on Linux, macOS and the BSDs. */
const LOCKS = { shared: 1, exclusive: 2 } as const;
const LOCK_NB = 4;

/** EAGAIN: Linux, or macOS and the BSDs. */
const EWOULDBLOCK = process.platform === 'linux' ? 11 : 35;

type Flock = (descriptor: number, operation: number) => number;

let flock: Flock | undefined;

/**
 * Locks an open file: flock(2). The kernel lets go when the descriptor is closed, however the process ends, and no child has it.
 * Does not wait.
 *
 * @param lock many may share one, and one alone has an exclusive one
 * @returns false when another descriptor has a lock that excludes this one
 * @throws Error with the error number when the system cannot lock; TshuttleError ERR_INTERNAL without a native library
 */
export function lockFile(descriptor: number, lock: keyof typeof LOCKS): boolean {
  flock ??= openLibc().func('int flock(int descriptor, int operation)') as Flock;
  if (flock(descriptor, LOCKS[lock] | LOCK_NB) === 0) return true;
  const errno = lastErrno();
  if (errno === EWOULDBLOCK) return false;
  throw new Error(`flock failed with errno ${errno}`);
}

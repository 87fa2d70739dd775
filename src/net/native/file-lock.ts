import { lastErrno, openLibc } from './library.ts';

/** sys/file.h; the same on Linux, macOS and the BSDs. */
const LOCK_EX = 2;
const LOCK_NB = 4;

type Flock = (descriptor: number, operation: number) => number;

let flock: Flock | undefined;

/**
 * Locks an open file for this process alone: flock(2). The kernel lets go when the descriptor is closed, however the process ends, and
 * no child has it. Does not wait.
 *
 * @returns false when another process, or another descriptor, has the lock
 * @throws Error with the error number when the system cannot lock; TshuttleError ERR_INTERNAL without a native library
 */
export function lockFile(descriptor: number): boolean {
  flock ??= openLibc().func('int flock(int descriptor, int operation)') as Flock;
  if (flock(descriptor, LOCK_EX | LOCK_NB) === 0) return true;
  const errno = lastErrno();
  if (errno === EWOULDBLOCK) return false;
  throw new Error(`flock failed with errno ${errno}`);
}

/** EAGAIN: Linux, or macOS and the BSDs. */
const EWOULDBLOCK = process.platform === 'linux' ? 11 : 35;

import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, rmSync } from 'node:fs';
import { systemCodeOf } from '../../core/errors.ts';
import { lockFile } from '../native/file-lock.ts';
import { whyNoNativeLibrary } from '../native/library.ts';

/**
 * What opens a file and locks it in one: open(2) of macOS and the BSDs, whose lock is that of flock(2); libuv's own on Windows, where
 * nobody else can open the file then (UV_FS_O_EXLOCK in uv/win.h). Linux has none. native-notes/file-locks.md
 */
const O_EXLOCK = process.platform === 'win32' ? 0x1000_0000 : 0x20;

/** How the systems say that somebody has the file: POSIX's EWOULDBLOCK, and Windows' sharing violation. */
const TAKEN: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'EBUSY']);

/** What ends the hold of a {@link takeFile}. Idempotent. */
export type ReleaseLock = () => void;

/**
 * Takes a file that one descriptor of this machine has at a time, and makes it where it is not there. Does not wait. The kernel lets go
 * when the process ends, however it does: a file that is left blocks nobody. No native library is needed where there is flock(1).
 *
 * @returns what gives it back and removes it, idempotent; undefined when another has it: ask again
 * @throws Error when the file cannot be opened or the system cannot lock; TshuttleError ERR_INTERNAL when Linux has nothing to do it with
 */
export function takeFile(path: string): ReleaseLock | undefined {
  const isLocking = process.platform !== 'linux';
  // Not waiting on a pipe, nor for the lock; a link could lead to a file of somebody else's.
  const safely = constants.O_NONBLOCK | constants.O_NOFOLLOW;
  let descriptor: number;
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | safely | (isLocking ? O_EXLOCK : 0);
    descriptor = openSync(path, flags, 0o600);
  } catch (error) {
    if (isLocking && TAKEN.has(systemCodeOf(error))) return undefined;
    throw error;
  }
  let isTaken = false;
  try {
    // The one who had it may have removed it after it was opened here.
    isTaken = (isLocking || lock(descriptor)) && fstatSync(descriptor).nlink > 0;
  } finally {
    if (!isTaken) closeSync(descriptor);
  }
  if (!isTaken) return undefined;
  let isGivenBack = false;
  return () => {
    if (!isGivenBack) giveBack(path, descriptor);
    isGivenBack = true;
  };
}

function giveBack(path: string, descriptor: number): void {
  try {
    // Before the lock goes, or it could be another's by now.
    rmSync(path, { force: true });
  } catch {
    // It stays, and blocks nobody: Windows removes no file that is open like this.
  } finally {
    closeSync(descriptor);
  }
}

function lock(descriptor: number): boolean {
  const missing = whyNoNativeLibrary();
  if (missing === undefined) return lockFile(descriptor, 'exclusive');
  // util-linux and busybox. The lock is of what both have open, and stays when the program ends.
  const { status, error, stderr } = spawnSync('flock', ['-n', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
    encoding: 'utf8',
  });
  if (error !== undefined) throw missing;
  if (status === 0 || status === 1) return status === 0;
  throw new Error(`flock(1) failed: ${stderr.trim() || `status ${status}`}`);
}

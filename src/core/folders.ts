import { mkdirSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Owner of what nobody in this user namespace owns: /proc/sys/kernel/overflowuid. */
const OVERFLOW_USER_ID = 65_534;

/** Whether this is a folder, and of the user that this process runs as. */
export function isOwnFolder(path: string): boolean {
  const status = statusOf(path);
  return status?.isDirectory() === true && status.uid === process.geteuid?.();
}

/**
 * Whether this process is root and the path lies below a folder of somebody else: what root makes there is closed to its owner,
 * who then cannot make anything of the same name.
 */
export function isForeignToRoot(path: string): boolean {
  if (process.geteuid?.() !== 0) return false;
  let folder = path;
  let status = statusOf(folder);
  while (status === undefined && folder !== dirname(folder)) {
    folder = dirname(folder);
    status = statusOf(folder);
  }
  return status !== undefined && status.uid !== 0 && status.uid !== OVERFLOW_USER_ID;
}

/**
 * Makes a folder, and those above it, for this user only (0700). Idempotent.
 *
 * @throws Error when it cannot be made, also because root would make it below a folder of somebody else
 */
export function makeFolder(path: string): void {
  const isThere = statusOf(path) !== undefined;
  if (!isThere && isForeignToRoot(path)) throw new Error('root makes nothing below a folder of another user');
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // below something that may not be looked into, or that is no folder
  }
}

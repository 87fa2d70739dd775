import { chmodSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCodeOf } from '../errors.ts';
import { isOwn } from './file-owner.ts';

/** Owner of what nobody in this user namespace owns: /proc/sys/kernel/overflowuid. */
const OVERFLOW_USER_ID = 65_534;

/** Whether this is a folder, and of the user that this process runs as. */
export function isOwnFolder(path: string): boolean {
  const status = statusOf(path);
  return status?.isDirectory() === true && isOwn(status);
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

/** The kernel takes no longer path (limits.h, PATH_MAX), so this many folders are above none. */
const MAX_DEPTH = 2_048;

/**
 * Makes a folder, and those above it, for this user only (0700) unless told otherwise; the umask changes nothing. Those that are
 * there stay as they are. Idempotent.
 *
 * Not by `recursive` of mkdir, which goes in circles for ever where a folder says that it is there and that nothing can be in it,
 * as /proc does (Node.js 20).
 *
 * @throws Error when it cannot be made, also because root would make it below a folder of somebody else
 */
export function makeFolder(path: string, mode = 0o700): void {
  const missing: string[] = [];
  for (
    let folder = path;
    statusOf(folder) === undefined && missing.length < MAX_DEPTH;
    folder = dirname(folder)
  )
    missing.push(folder);
  if (missing.length > 0 && isForeignToRoot(path))
    throw new Error('root makes nothing below a folder of another user');
  for (const folder of missing.reverse()) makeOne(folder, mode);
  if (statusOf(path)?.isDirectory() !== true) throw new Error(`${path} is not a folder`);
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
    chmodSync(folder, mode);
  } catch (error) {
    // Another process has made it at the same moment.
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // below something that may not be looked into, or that is no folder
  }
}

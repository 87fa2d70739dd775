import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, systemCodeOf } from '../errors.ts';

/** Opening a pipe blocks, and a terminal becomes the process's own: neither happens with these (open(2)). */
const WITHOUT_WAITING = constants.O_NONBLOCK | constants.O_NOCTTY;

/** What is to be done with a file; `create` makes one that only this user can read. */
const PURPOSES = {
  read: constants.O_RDONLY,
  append: constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT,
} as const;

/** How a file is opened. */
export interface OpenFileOptions {
  /** Whether a link in the place of the file is refused. */
  readonly refuseLink?: boolean;
}

/**
 * Opens a file, and never waits: what is no file (a pipe, a device, a socket, a folder) is refused. The null device is taken for an
 * empty file, since it is named where there should be none.
 *
 * @returns a descriptor, which the caller closes
 * @throws Error with the reason, or the system's
 */
export function openRegularFile(
  path: string,
  purpose: keyof typeof PURPOSES,
  { refuseLink = false }: OpenFileOptions = {},
): number {
  // Opening alone does something to some devices: they are asked first, and the descriptor is judged again.
  const before = statSync(path, { throwIfNoEntry: false });
  if (before !== undefined) refuseIrregular(before);
  const flags = PURPOSES[purpose] | WITHOUT_WAITING | (refuseLink ? constants.O_NOFOLLOW : 0);
  const descriptor = openSync(path, flags, 0o600);
  try {
    refuseIrregular(fstatSync(descriptor));
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * Reads a whole file as {@link openRegularFile} opens it.
 *
 * @throws Error when it is larger than `maxBytes`, or cannot be read
 */
export function readRegularFile(path: string, maxBytes: number): Buffer {
  const descriptor = openRegularFile(path, 'read');
  try {
    return readDescriptor(descriptor, maxBytes);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads what an open file has, from where it is.
 *
 * @throws Error when that is more than `maxBytes`: what /proc has says nothing of its size beforehand
 */
export function readDescriptor(descriptor: number, maxBytes: number): Buffer {
  const { size } = fstatSync(descriptor);
  if (size > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  for (let total = 0; ; ) {
    const chunk = Buffer.allocUnsafe(Math.min(Math.max(size + 1 - total, 4_096), 1_048_576));
    const length = readSync(descriptor, chunk, 0, chunk.length, null);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
    total += length;
    if (total > maxBytes) throw tooLarge(maxBytes);
  }
}

/** Why what is at a path is no file, as another program would wait at it; undefined where it is one, or nothing that can be looked at. */
export function whyNoFile(path: string): string | undefined {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status !== undefined) refuseIrregular(status);
    return undefined;
  } catch (error) {
    return systemCodeOf(error) === undefined ? messageOf(error) : undefined;
  }
}

/** Whether a path leads to the null device. */
export function isNullDevice(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status !== undefined && isNull(status);
}

/** How a file is replaced. */
export interface ReplaceFileOptions {
  /** Of the new file, whatever the umask is. */
  readonly mode: number;
  /** Whether it is on the disk before it takes its place. */
  readonly flush?: boolean;
  /** The old file stays under this name beside the new one. */
  readonly keepOldAs?: string;
  /** Looks at the new file before it takes its place. @throws what keeps it from that */
  readonly check?: (path: string) => void;
}

/**
 * Puts new contents in the place of a file, as a whole or not at all. A link stays one; what is there and is no file stays as it is,
 * as every user: root could replace a device, a pipe or a masked unit.
 *
 * The file keeps its owner where root replaces it.
 *
 * @throws Error when it is no file, or cannot be replaced; the old one is untouched then
 */
export function replaceFile(path: string, text: string, options: ReplaceFileOptions): void {
  const target = lstatSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
  const old = statSync(target, { throwIfNoEntry: false });
  if (old !== undefined && !old.isFile()) throw new Error(`${target} is ${kindOf(old)}, and is not replaced`);
  const fresh = join(dirname(target), `.${basename(target)}.${randomBytes(8).toString('hex')}`);
  try {
    writeNew(fresh, text, options);
    if (old !== undefined && process.geteuid?.() === 0) chownSync(fresh, old.uid, old.gid);
    options.check?.(fresh);
    if (old !== undefined && options.keepOldAs !== undefined) keepOld(target, options.keepOldAs);
    renameSync(fresh, target);
  } catch (error) {
    removeIfThere(fresh);
    throw error;
  }
}

function writeNew(fresh: string, text: string, { mode, flush = false }: ReplaceFileOptions): void {
  const descriptor = openSync(fresh, 'wx', 0o600);
  try {
    fchmodSync(descriptor, mode);
    writeFileSync(descriptor, text);
    if (flush) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function keepOld(target: string, name: string): void {
  const kept = join(dirname(target), name);
  const there = lstatSync(kept, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile())
    throw new Error(`${kept} is ${kindOf(there)}, and is not replaced`);
  rmSync(kept, { force: true });
  linkSync(target, kept);
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What could not be made is not there.
  }
}

function refuseIrregular(status: Stats): void {
  if (!status.isFile() && !isNull(status)) throw new Error(`it is ${kindOf(status)}, not a file`);
}

/** linux/major.h: MEM_MAJOR, and drivers/char/mem.c: null is the third. */
const NULL_DEVICE = { major: 1, minor: 3 };

function isNull(status: Stats): boolean {
  if (!status.isCharacterDevice()) return false;
  if (process.platform === 'linux') return status.rdev === NULL_DEVICE.major * 256 + NULL_DEVICE.minor;
  return status.rdev === statSync('/dev/null', { throwIfNoEntry: false })?.rdev;
}

function kindOf(status: Stats): string {
  if (status.isDirectory()) return 'a directory';
  if (status.isFIFO()) return 'a named pipe';
  if (status.isSocket()) return 'a socket';
  return 'a device';
}

function tooLarge(maxBytes: number): Error {
  return new Error(`it is larger than ${maxBytes} bytes`);
}

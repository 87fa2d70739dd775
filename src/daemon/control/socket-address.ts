import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { readRegularFile } from '../../core/files/regular-file.ts';
import { fieldOf } from '../../net/messages/field-reader.ts';
import { makePipeKey } from './pipe-key.ts';

/** Where a control server listens. */
export interface ControlAddress {
  /** For `listen` and `connect`. */
  readonly path: string;
  /** Where the place in the folder is a file that tells of a named pipe: what both ends show to have read. */
  readonly pipe: { readonly key: string; readonly pid: number } | undefined;
}

/** What a place in a folder of control sockets may hold, where it is a file; far more than it does. */
const MAX_FILE_BYTES = 1_024;

/** Whether sockets have places in the file system. On Windows Node.js has named pipes only, which have names of their own. */
export function areSocketsFiles(): boolean {
  return process.platform !== 'win32';
}

/** A new address whose place in the folder is `place`: it appears there when one listens, or by {@link publishAddress}. */
export function newAddress(place: string): ControlAddress {
  if (areSocketsFiles()) return { path: place, pipe: undefined };
  const path = `\\\\.\\pipe\\tshuttle-${randomBytes(16).toString('hex')}`;
  return { path, pipe: { key: makePipeKey(), pid: process.pid } };
}

/** Puts what clients need at its place, where one listens at a named pipe. @throws Error of the file system */
export function publishAddress({ path, pipe }: ControlAddress, place: string): void {
  if (pipe !== undefined)
    writeFileSync(place, JSON.stringify({ path, ...pipe }), { mode: 0o600, flag: 'wx' });
}

/**
 * The address whose place this is.
 *
 * @throws Error ENOENT when there is none any more; when it is not to be understood
 */
export function readAddress(place: string): ControlAddress {
  if (areSocketsFiles()) return { path: place, pipe: undefined };
  const value: unknown = JSON.parse(readRegularFile(place, MAX_FILE_BYTES).toString('utf8'));
  const [path, key, pid] = ['path', 'key', 'pid'].map((name) => fieldOf(value, name));
  if (typeof path === 'string' && typeof key === 'string' && typeof pid === 'number')
    return { path, pipe: { key, pid } };
  throw new Error(`${place} tells of no named pipe`);
}

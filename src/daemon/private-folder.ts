import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { messageOf, TshuttleError } from '../core/errors.ts';

/**
 * Makes a folder that only this user can enter, with the folders above it. Idempotent.
 *
 * @throws TshuttleError ERR_CONFIG when it cannot be made, or belongs to somebody else.
 */
export function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const status = lstatSync(path);
    if (!status.isDirectory()) throw new Error('it is not a folder');
    if (status.uid !== process.geteuid?.()) throw new Error('it belongs to another user');
    if ((status.mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (error) {
    throw new TshuttleError('ERR_CONFIG', `cannot use the folder ${path}: ${messageOf(error)}`, {
      remedy: 'set XDG_STATE_HOME to a folder of yours',
      cause: error,
    });
  }
}

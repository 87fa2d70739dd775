import { chmodSync, lstatSync } from 'node:fs';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { isOpenTo, isOwn } from '../../core/files/file-owner.ts';
import { makeFolder } from '../../core/files/folders.ts';
import { systemWords } from '../../core/systems/system-words.ts';

/**
 * Makes a folder that only this user can enter, with the folders above it. Idempotent.
 *
 * @throws TshuttleError ERR_CONFIG when it cannot be made, or belongs to somebody else.
 */
export function makePrivateFolder(path: string): void {
  try {
    makeFolder(path);
    const status = lstatSync(path);
    if (!status.isDirectory()) throw new Error('it is not a folder');
    if (!isOwn(status)) {
      throw new TshuttleError('ERR_CONFIG', `cannot use the folder ${path}: it belongs to another user`, {
        remedy: `give it to this user: sudo chown -R ${process.geteuid?.()} ${path}`,
      });
    }
    if (isOpenTo(status, 0o077)) chmodSync(path, 0o700);
  } catch (error) {
    if (error instanceof TshuttleError) throw error;
    throw new TshuttleError('ERR_CONFIG', `cannot use the folder ${path}: ${messageOf(error)}`, {
      remedy: `see that it can be made, or let ${variableOf(path)} name a folder of this user`,
      cause: error,
    });
  }
}

/** Which variable says where the folder is: the one of the session, or the one for what lasts. */
function variableOf(path: string): string {
  const { stateVariable, sessionVariable } = systemWords();
  const { XDG_RUNTIME_DIR: runtime } = process.env;
  if (runtime !== undefined && path.startsWith(`${runtime}/`)) return 'XDG_RUNTIME_DIR';
  return path.startsWith('/run/user/') ? sessionVariable : stateVariable;
}

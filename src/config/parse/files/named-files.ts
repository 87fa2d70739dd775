import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { expandTilde } from '../../../core/accounts.ts';
import { messageOf, systemCodeOf } from '../../../core/errors.ts';

/** Makes a path absolute that the user wrote. */
export type ToAbsolute = (path: string) => string;

/** Resolves paths as a shell does, `~/` and `~user/` too: profiles and files of arguments have no shell. */
export function absolutePaths({
  homeDirectory,
  workingDirectory,
}: {
  readonly homeDirectory: string;
  readonly workingDirectory: string;
}): ToAbsolute {
  return (path) => resolve(workingDirectory, expandTilde(path, homeDirectory));
}

/** Says why a file cannot be read, or undefined when it can. */
export function whyUnreadable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return 'there is no such file';
    return systemCodeOf(error) === 'EACCES' ? 'permission denied' : messageOf(error);
  }
}

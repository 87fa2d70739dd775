import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { absolutePaths } from '../../../config/parse/files/named-files.ts';
import { readTextFile } from '../../../config/parse/files/text-file.ts';
import { HOST_BLOCKS_MARKER, type HostBlocks } from '../../../config/targets/host-blocks.ts';
import { homeFolder } from '../../../core/accounts.ts';
import { messageOf, TshuttleError } from '../../../core/errors.ts';
import { makeFolder } from '../../../core/files/folders.ts';
import { replaceFile } from '../../../core/files/regular-file.ts';
import { START_FOLDER } from '../../../core/files/start-folder.ts';
import { problemLines } from '../../../core/problem.ts';
import type { CommandSession } from '../../command/command-definition.ts';

/** What `--help` says of `--write`. */
export const WRITE_OPTION = {
  flags: '--write <FILE>',
  help: 'write it to this file instead, such as ~/.ssh/config.d/tshuttle; a file that tshuttle did not write is left alone',
} as const;

/**
 * Prints Host blocks, or puts them in the place of a file of ours, and says how ssh comes to read it.
 *
 * @throws TshuttleError ERR_CONFIG when the file is not one of ours, or cannot be written
 */
export function putOut(
  { text, notes }: HostBlocks,
  written: string | undefined,
  { print }: Pick<CommandSession, 'print'>,
): void {
  if (written === undefined) {
    print(text);
    return;
  }
  const homeDirectory = homeFolder();
  const path = absolutePaths({ homeDirectory, workingDirectory: START_FOLDER })(written);
  write(path, text);
  const hosts = text.match(/^Host /gm)?.length ?? 0;
  // Nothing is said twice: the file has them as comments.
  for (const line of problemLines(notes)) process.stderr.write(`tshuttle: ${line}\n`);
  print(`${path}: ${hosts} host${hosts === 1 ? '' : 's'}\n`);
  const home = `${homeDirectory}/.ssh/`;
  const included = path.startsWith(home) ? path.slice(home.length) : path;
  print(
    `for ssh to read it, put this line into ~/.ssh/config, before the first Host: Include ${quoted(included)}\n`,
  );
}

function write(path: string, text: string): void {
  try {
    makeFolder(dirname(path));
    if (existsSync(path)) {
      const old = readTextFile(path);
      if (old.kind === 'unreadable') throw new Error(old.what);
      if (old.text !== '' && !old.text.startsWith(HOST_BLOCKS_MARKER))
        throw new Error('it was not written by tshuttle');
    }
    replaceFile(path, text, { mode: 0o600, flush: true });
  } catch (error) {
    throw new TshuttleError('ERR_CONFIG', `cannot write ${path}: ${messageOf(error)}`, {
      remedy: 'name a file that only tshuttle writes, as in --write ~/.ssh/config.d/tshuttle',
      cause: error,
    });
  }
}

function quoted(path: string): string {
  return /\s/.test(path) ? `"${path}"` : path;
}

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
  help: 'write it there instead, as ~/.ssh/config.d/tshuttle; a file that tshuttle has not written is left alone',
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
  for (const line of problemLines(notes.map(noteAsProblem))) process.stderr.write(`tshuttle: ${line}\n`);
  print(`${path}: ${hosts} host${hosts === 1 ? '' : 's'}\n`);
  const home = `${homeDirectory}/.ssh/`;
  const included = path.startsWith(home) ? path.slice(home.length) : path;
  print(`ssh reads it by a line of ~/.ssh/config before the first Host: Include ${quoted(included)}\n`);
}

function noteAsProblem(note: string): { readonly where: string; readonly what: string } {
  const at = note.indexOf(': ');
  return { where: note.slice(0, at), what: note.slice(at + 2) };
}

function write(path: string, text: string): void {
  try {
    makeFolder(dirname(path));
    const old = readTextFile(path);
    const isThere = old.kind === 'text' || !old.what.endsWith('there is no such file');
    if (isThere && !(old.kind === 'text' && (old.text === '' || old.text.startsWith(HOST_BLOCKS_MARKER)))) {
      throw new Error(old.kind === 'text' ? 'it is not one that tshuttle has written' : old.what);
    }
    replaceFile(path, text, { mode: 0o600, flush: true });
  } catch (error) {
    throw new TshuttleError('ERR_CONFIG', `cannot write ${path}: ${messageOf(error)}`, {
      remedy: 'name a file of its own, as --write ~/.ssh/config.d/tshuttle',
      cause: error,
    });
  }
}

function quoted(path: string): string {
  return /\s/.test(path) ? `"${path}"` : path;
}

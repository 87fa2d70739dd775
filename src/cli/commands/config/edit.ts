import { spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { profileSurroundingsOf } from '../../../app/running-tunnels/profile-surroundings.ts';
import { splitShellWords } from '../../../config/parse/shell-words.ts';
import { replaceProfileFile } from '../../../config/profiles/edit-profile-file.ts';
import { loadProfileText } from '../../../config/profiles/load-profiles.ts';
import { userProfileFile } from '../../../config/profiles/profile-places.ts';
import { messageOf, TshuttleError } from '../../../core/errors.ts';
import { makeFolder } from '../../../core/files/folders.ts';
import { readRegularFile, replaceFile } from '../../../core/files/regular-file.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { printFitted } from '../../rendering/fit-lines.ts';

/** As much as one file of profiles may have. */
const MAX_BYTES = 4_194_304;

/** What is in a file that is new. */
const TEMPLATE = `# Tunnels by name: tshuttle up office. All keys: tshuttle config schema
profiles:
#  office:
#    remote: me@bastion.example.com
#    subnets: [10.0.0.0/8]
`;

/**
 * Lets the user edit a copy of config.yaml, which takes its place when it is right: a tunnel that starts meanwhile never reads half
 * of a thought. What is wrong stays in the copy, with which the next edit begins; where config.yaml has changed by then, it is kept
 * beside, under another name.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_CONFIG when there is no editor, or a file cannot be written
 */
export async function editConfig({ process: context, refuse, ...session }: CommandSession): Promise<number> {
  const print = printFitted(session.print);
  const surroundings = profileSurroundingsOf(context.environment);
  const file = userProfileFile(surroundings);
  const chosen = [context.environment['VISUAL'], context.environment['EDITOR']].find((text) => text?.trim());
  if (chosen === undefined && process.stdin.isTTY !== true)
    return await refuse('ERR_USAGE', [
      { where: 'config edit', what: 'needs a terminal, or a program in EDITOR' },
    ]);
  const editor = splitShellWords(chosen ?? 'vi');
  if (editor.kind === 'invalid') return await refuse('ERR_USAGE', [{ where: 'EDITOR', what: editor.what }]);
  const read = surroundings.readTrustedFile(file);
  if (read.kind === 'unreadable') return await refuse('ERR_CONFIG', [{ where: file, what: read.what }]);
  const before = read.kind === 'text' ? read.text : undefined;
  const copy = join(dirname(file), '.config.yaml.edited.yaml');
  const old = join(dirname(file), '.config.yaml.edited.old.yaml');
  makeFolder(dirname(file));
  if (isNewer(copy, file)) print(`continuing with your last edit, which had errors: ${copy}\n`);
  else {
    if (moveIfThere(copy, old))
      print(`${file} has changed since your last edit, which had errors: that is in ${old} now\n`);
    replaceFile(copy, before ?? TEMPLATE, { mode: 0o600 });
  }
  const failed = await runEditor([...editor.words, copy]);
  const text = readRegularFile(copy, MAX_BYTES).toString('utf8');
  if (text === (before ?? TEMPLATE)) {
    rmSync(copy, { force: true });
    if (failed !== undefined) throw failed;
    print(`${file} is as it was\n`);
    return 0;
  }
  if (failed !== undefined) throw failed;
  const { problems } = loadProfileText(file, text, surroundings);
  if (problems.length > 0) {
    print(`${file} is as it was; what you wrote is in ${copy} -> continue with it: tshuttle config edit\n`);
    return await refuse('ERR_CONFIG', problems);
  }
  const late = await replaceProfileFile(file, before, text);
  if (late.length > 0) {
    // The next edit begins with what the other has written, which this text does not have.
    moveIfThere(copy, old);
    print(`${file} is as the other left it; what you wrote is in ${old}\n`);
    return await refuse('ERR_CONFIG', late);
  }
  rmSync(copy, { force: true });
  print(`${file} is saved -> apply it to running tunnels: tshuttle reload\n`);
  return 0;
}

function isNewer(copy: string, file: string): boolean {
  const own = statSync(copy, { throwIfNoEntry: false });
  const other = statSync(file, { throwIfNoEntry: false });
  return own?.isFile() === true && (other === undefined || own.mtimeMs > other.mtimeMs);
}

/** @returns whether there was one to move */
function moveIfThere(from: string, to: string): boolean {
  if (!existsSync(from)) return false;
  renameSync(from, to);
  return true;
}

/** @returns why it has edited nothing, where it failed */
async function runEditor([program = '', ...words]: readonly string[]): Promise<TshuttleError | undefined> {
  const child = spawn(program, words, { stdio: 'inherit' });
  const how = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : `it ended with ${signal ?? code}`),
    );
  });
  if (how === undefined) return undefined;
  return new TshuttleError('ERR_CONFIG', `${program} could not edit the file: ${how}`, {
    remedy: 'name another one: EDITOR=nano tshuttle config edit',
  });
}

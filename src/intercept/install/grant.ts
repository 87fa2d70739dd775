import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { replaceFile } from '../../core/files/regular-file.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { findTool } from '../../net/machine/root-tools.ts';
import { type InstalledFiles, installHelper, uninstallHelper } from './install-helper.ts';
import { IS_PACKAGED } from './installed-helper.ts';
import { renderSudoers, SUDOERS_FILE, usersIn } from './sudoers.ts';
import { accountOf, tryGrant } from './try-grant.ts';

const VISUDO_TIMEOUT_MS = 10_000;

/**
 * Installs the helper and lets a user run it by sudo, without a password. As root; the helper comes first, so that at no time
 * a path is granted that somebody else could make. Then it is tried, as that user.
 *
 * @returns undefined where the helper is that of a package, which is only granted
 * @throws TshuttleError ERR_CONFIG when that would not be safe, visudo refuses the file, or there is no such user: nothing is
 * granted then; also when the user cannot use it all the same: it stays, for whoever mends that
 */
export async function grant(user: string, nodePath: string): Promise<InstalledFiles | undefined> {
  const account = accountOf(user);
  const installed = IS_PACKAGED ? undefined : await installHelper(nodePath);
  writeSudoers([...grantedUsers(), user]);
  tryGrant(account);
  return installed;
}

/** Takes it from a user; with the last one a copy of the helper goes, too. As root. @returns who may still run it */
export async function withdraw(user: string): Promise<readonly string[]> {
  const rest = grantedUsers().filter((granted) => granted !== user);
  if (rest.length > 0) {
    writeSudoers(rest);
    return rest;
  }
  await rm(SUDOERS_FILE, { force: true });
  if (!IS_PACKAGED) await uninstallHelper();
  return [];
}

/** Who may run the helper. As root: others may not read it. */
function grantedUsers(): readonly string[] {
  try {
    return usersIn(readFileSync(SUDOERS_FILE, 'utf8'));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** sudo never sees an unchecked or half a file: one whose name has a dot is not read (sudoers(5)). */
function writeSudoers(users: readonly string[]): void {
  try {
    replaceFile(SUDOERS_FILE, renderSudoers(users), { mode: 0o440, check: mustPassVisudo });
  } catch (error) {
    if (error instanceof TshuttleError) throw error;
    throw new TshuttleError('ERR_CONFIG', `cannot write ${SUDOERS_FILE}: ${messageOf(error)}`, {
      remedy: `see what is there: ${systemWords().showRights(SUDOERS_FILE)}`,
      cause: error,
    });
  }
}

function mustPassVisudo(path: string): void {
  const visudo = findTool('visudo');
  if (visudo === undefined) {
    throw new TshuttleError('ERR_CONFIG', 'there is no visudo to check the line with', {
      remedy: `install sudo: ${systemWords().install('sudo')}`,
    });
  }
  const check = spawnSync(visudo, ['-c', '-f', path], { encoding: 'utf8', timeout: VISUDO_TIMEOUT_MS });
  if (check.status === 0) return;
  const said = `${check.stdout}${check.stderr}`.trim();
  throw new TshuttleError('ERR_CONFIG', `visudo refuses the line: ${said}`);
}

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { findTool } from '../helper/tools.ts';
import { type InstalledFiles, installHelper, uninstallHelper } from './install-helper.ts';
import { renderSudoers, SUDOERS_FILE, usersIn } from './sudoers.ts';

const VISUDO_TIMEOUT_MS = 10_000;

/**
 * Installs the helper and lets a user run it by sudo, without a password. As root; the helper comes first, so that at no time
 * a path is granted that somebody else could make.
 *
 * @throws TshuttleError ERR_CONFIG when that would not be safe, or visudo refuses the file; nothing is granted then
 */
export async function grant(user: string, nodePath: string): Promise<InstalledFiles> {
  const installed = await installHelper(nodePath);
  await writeSudoers([...grantedUsers(), user]);
  return installed;
}

/** Takes it from a user; with the last one the helper goes, too. As root. @returns who may still run it */
export async function withdraw(user: string): Promise<readonly string[]> {
  const rest = grantedUsers().filter((granted) => granted !== user);
  if (rest.length > 0) {
    await writeSudoers(rest);
    return rest;
  }
  await rm(SUDOERS_FILE, { force: true });
  await uninstallHelper();
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
async function writeSudoers(users: readonly string[]): Promise<void> {
  const fresh = join(dirname(SUDOERS_FILE), '.tshuttle.new');
  await rm(fresh, { force: true });
  try {
    await writeFile(fresh, renderSudoers(users), { mode: 0o440, flag: 'wx' });
    const visudo = findTool('visudo');
    if (visudo === undefined) {
      throw new TshuttleError('ERR_CONFIG', 'there is no visudo to check the line with', {
        remedy: 'install sudo',
      });
    }
    const check = spawnSync(visudo, ['-c', '-f', fresh], { encoding: 'utf8', timeout: VISUDO_TIMEOUT_MS });
    if (check.status !== 0) {
      throw new TshuttleError(
        'ERR_CONFIG',
        `visudo refuses the line: ${`${check.stdout}${check.stderr}`.trim()}`,
      );
    }
    await rename(fresh, SUDOERS_FILE);
  } finally {
    await rm(fresh, { force: true });
  }
}

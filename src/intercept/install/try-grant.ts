import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { TshuttleError } from '../../core/errors.ts';
import { findTool } from '../../net/machine/root-tools.ts';
import { findSudo } from './find-sudo.ts';
import { INSTALLED_FOLDER, INSTALLED_HELPER } from './installed-helper.ts';

const TOOL_TIMEOUT_MS = 10_000;

/** Who a grant is for, as the machine knows them. */
export interface Account {
  readonly name: string;
  readonly userId: number;
  readonly groupId: number;
}

/** Looks an account up. @throws TshuttleError ERR_CONFIG when there is none */
export function accountOf(name: string): Account {
  const [userId, groupId] = ['-u', '-g'].map((what) => {
    const found = spawnSync(findTool('id') ?? 'id', [what, '--', name], {
      encoding: 'utf8',
      timeout: TOOL_TIMEOUT_MS,
    });
    return /^\d+$/.test(found.stdout?.trim() ?? '') ? Number(found.stdout) : undefined;
  });
  if (userId !== undefined && groupId !== undefined) return { name, userId, groupId };
  throw new TshuttleError('ERR_CONFIG', `this machine has no user ${name}`, {
    remedy: 'name one that it has, as in --user alice',
  });
}

/**
 * Uses a grant as its user does: what root has written others may not be able to read, and sudo may have its own reasons.
 *
 * @throws TshuttleError ERR_CONFIG when that fails
 */
export function tryGrant({ name, userId, groupId }: Account): void {
  // In none of root's groups: Node.js leaves them when it is given another user.
  const as = { uid: userId, gid: groupId, cwd: '/', encoding: 'utf8', timeout: TOOL_TIMEOUT_MS } as const;
  for (const path of [INSTALLED_HELPER, join(INSTALLED_FOLDER, 'package.json')]) {
    if (spawnSync(findTool('test') ?? 'test', ['-r', path], as).status === 0) continue;
    throw new TshuttleError('ERR_CONFIG', `${name} cannot read ${path}, and so not use it`, {
      remedy: `have everybody enter the folders above it, as in: chmod a+rx ${dirname(INSTALLED_FOLDER)}`,
    });
  }
  // The helper greets, and ends at once when its standard input does.
  const tried = spawnSync(findSudo() ?? 'sudo', ['-n', '--', INSTALLED_HELPER], { ...as, input: '' });
  if (tried.status === 0) return;
  const reason = tried.error?.message ?? (tried.stderr.trim().split('\n').at(-1) || `status ${tried.status}`);
  throw new TshuttleError('ERR_CONFIG', `sudo does not let ${name} run ${INSTALLED_HELPER}: ${reason}`, {
    remedy: `see why, as ${name}: sudo -n ${INSTALLED_HELPER} </dev/null`,
  });
}

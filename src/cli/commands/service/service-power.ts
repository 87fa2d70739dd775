import { spawnSync } from 'node:child_process';
import { ownAccount } from '../../../core/accounts.ts';
import { TshuttleError } from '../../../core/errors.ts';
import type { Manager } from '../../../daemon/service/systemctl.ts';
import type { ServiceProgram } from '../../../daemon/service/units.ts';
import { findHelperCommandFacts } from '../../../intercept/client/command.ts';
import { canBeGranted, sudoersLine } from '../../../intercept/install/sudoers.ts';
import { whyNotRootsAlone } from '../../../net/machine/root-owned.ts';

const SUDO_TIMEOUT_MS = 10_000;

/**
 * Sees to it that the service will be able to set rules, which it cannot ask anybody for.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE with what to grant; ERR_CONFIG when others than root could change what root starts
 */
export function requirePower(manager: Manager, { nodePath, script }: ServiceProgram): void {
  const isRoot = process.geteuid?.() === 0;
  if (manager === 'system') {
    if (!isRoot) {
      throw new TshuttleError('ERR_NO_PRIVILEGE', 'a service of the machine is installed by root', {
        remedy: 'sudo tshuttle service install --system NAME',
      });
    }
    for (const path of [nodePath, script]) {
      const why = whyNotRootsAlone(path);
      if (why === undefined) continue;
      throw new TshuttleError('ERR_CONFIG', `a service of the machine may not run ${path}: ${why}`, {
        remedy: 'install Node.js and tshuttle for the machine, as root',
      });
    }
    return;
  }
  if (isRoot || mayRunHelper()) return;
  const { userName, userId } = ownAccount();
  const line = sudoersLine(userName !== undefined && canBeGranted(userName) ? userName : `#${userId}`);
  throw new TshuttleError('ERR_NO_PRIVILEGE', 'a service cannot ask for the sudo password', {
    remedy: `tshuttle sudoers --install, which has sudo ask for none: ${line}`,
  });
}

/** The helper ends at once when its standard input does. */
function mayRunHelper(): boolean {
  const { sudoPath, installedHelper } = findHelperCommandFacts();
  if (sudoPath === undefined || installedHelper === undefined) return false;
  const options = { stdio: 'ignore', timeout: SUDO_TIMEOUT_MS } as const;
  return spawnSync(sudoPath, ['-n', '--', installedHelper], options).status === 0;
}

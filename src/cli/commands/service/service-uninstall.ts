import { closestOf } from '../../../config/profiles/closest.ts';
import { homeFolder } from '../../../core/accounts.ts';
import { TshuttleError } from '../../../core/errors.ts';
import type { Problem } from '../../../core/problem.ts';
import { agentFile, isAgentInstalled, uninstallAgent } from '../../../daemon/service/launchctl.ts';
import { type Manager, runTool, systemctl } from '../../../daemon/service/systemctl.ts';
import {
  installedUnits,
  removeUnitFile,
  SYSUSERS_FILE,
  unitFile,
} from '../../../daemon/service/unit-files.ts';
import { SYSTEM_USER, systemUnitName } from '../../../daemon/service/units.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { requireServices, type ServiceInput } from './service-input.ts';

/**
 * Stops what {@link installService} installed, and removes it, with the machine's user after the last unit of the machine.
 * Profiles and keys stay. Idempotent.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_NO_PRIVILEGE, ERR_CONFIG with what systemctl said
 */
export async function uninstallService(
  { names, system }: ServiceInput,
  { process: context, print, refuse }: CommandSession,
): Promise<number> {
  requireServices({ system });
  const manager: Manager = system ? 'system' : 'user';
  if (!system && names.length > 0) {
    const what =
      'is not of its own: one service starts all your profiles; install it again with those to be kept';
    return await refuse('ERR_USAGE', [{ where: names.join(' '), what }]);
  }
  if (system && process.geteuid?.() !== 0) {
    throw new TshuttleError('ERR_NO_PRIVILEGE', 'a service of the machine is removed by root', {
      remedy: 'sudo tshuttle service uninstall --system',
    });
  }
  if (process.platform === 'darwin') {
    const homeDirectory = homeFolder();
    const wasThere = isAgentInstalled(homeDirectory);
    if (wasThere) await uninstallAgent({ homeDirectory, userId: process.getuid?.() ?? 0 });
    print(
      wasThere ? `tshuttle: ${agentFile(homeDirectory)} is removed\n` : 'tshuttle: no service is installed\n',
    );
    return 0;
  }
  const places = { configHome: context.environment['XDG_CONFIG_HOME'], homeDirectory: homeFolder() };
  const installed = await installedUnits(manager, places);
  const wanted = names.map(systemUnitName);
  const strange = names.filter((name) => !installed.includes(systemUnitName(name)));
  if (strange.length > 0)
    return await refuse(
      'ERR_USAGE',
      strange.map((name) => notInstalled(name, installed)),
    );
  const units = names.length === 0 ? installed : installed.filter((unit) => wanted.includes(unit));
  for (const unit of units) {
    await systemctl(manager, '--quiet', 'disable', '--now', unit);
    if (system) await runTool('systemctl', ['clean', '--what=state', unit]);
    await removeUnitFile(unitFile(manager, unit, places));
    // Only where it had failed there is something to forget.
    await runTool('systemctl', [`--${manager}`, 'reset-failed', unit]);
    print(`tshuttle: ${unit} is removed\n`);
  }
  if (units.length > 0) await systemctl(manager, 'daemon-reload');
  if (system && units.length === installed.length) await removeUser();
  if (units.length === 0) print('tshuttle: no service is installed\n');
  return 0;
}

function notInstalled(name: string, installed: readonly string[]): Problem {
  const meant = closestOf(systemUnitName(name), installed);
  const there = installed.length === 0 ? 'none is' : `these are: ${installed.join(', ')}`;
  return { where: name, what: `has no service here; ${meant === undefined ? there : `perhaps ${meant}`}` };
}

async function removeUser(): Promise<void> {
  await removeUnitFile(SYSUSERS_FILE);
  const { status } = await runTool('getent', ['passwd', SYSTEM_USER]);
  if (status === 0) await runTool('userdel', [SYSTEM_USER]);
}

import { RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import { surroundingsOf } from '../../../app/running-tunnels/user-folders.ts';
import { closestOf } from '../../../config/profiles/closest.ts';
import { homeFolder } from '../../../core/accounts.ts';
import { TshuttleError } from '../../../core/errors.ts';
import type { Problem } from '../../../core/problem.ts';
import { findCronService, uninstallCronService } from '../../../daemon/service/cron/cron-service.ts';
import { openCrontab } from '../../../daemon/service/cron/crontab.ts';
import { agentFile, isAgentInstalled, uninstallAgent } from '../../../daemon/service/launchctl.ts';
import { removeSystemUser } from '../../../daemon/service/system-user.ts';
import { type Manager, runTool, systemctl } from '../../../daemon/service/systemctl.ts';
import {
  installedUnits,
  removeUnitFile,
  removeUserUnits,
  SYSUSERS_FILE,
  unitFile,
} from '../../../daemon/service/unit-files.ts';
import { systemUnitName } from '../../../daemon/service/units.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { endTunnels } from '../up-down/down.ts';
import { requireServices, type ServiceInput } from './service-input.ts';
import { machineManager, type ServicePlaces, servicePlacesOf, userAccess } from './service-places.ts';

/**
 * Stops what {@link installService} installed, and removes it, with the machine's user after the last unit of the machine.
 * Profiles and keys stay. Idempotent.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_NO_PRIVILEGE, ERR_CONFIG with what systemctl said
 */
export async function uninstallService(
  { names, system }: ServiceInput,
  session: CommandSession,
  places: ServicePlaces = servicePlacesOf(session.process.environment),
): Promise<number> {
  const { process: context, print, refuse } = session;
  requireServices({ system });
  const manager: Manager = system ? 'system' : 'user';
  if (!system && names.length > 0 && (await isOwnInstalled(places, context.environment))) {
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
  const installed = await installedUnits(manager, places.units);
  const wanted = names.map(systemUnitName);
  const strange = (system ? names : []).filter((name) => !installed.includes(systemUnitName(name)));
  if (strange.length > 0)
    return await refuse(
      'ERR_USAGE',
      strange.map((name) => notInstalled(name, installed)),
    );
  const units = !system || names.length === 0 ? installed : installed.filter((unit) => wanted.includes(unit));
  const removedByCron = !system && (await removeCronService(places, session));
  if (units.length === 0) {
    if (!removedByCron) print('tshuttle: no service is installed\n');
    return 0;
  }
  if (!system && places.userManager.kind !== 'reachable') {
    await removeUserUnits(places.units);
    print(`tshuttle: ${units.join(', ')} is removed; it was not running, as your systemd does not run\n`);
    return 0;
  }
  const access = system ? machineManager(context.environment) : userAccess(places);
  for (const unit of units) {
    await systemctl(access, '--quiet', 'disable', '--now', unit);
    if (system) await runTool('systemctl', ['clean', '--what=state', unit]);
    await removeUnitFile(unitFile(manager, unit, places.units));
    // Only where it had failed there is something to forget.
    await runTool('systemctl', [`--${manager}`, 'reset-failed', unit], access.environment);
    print(`tshuttle: ${unit} is removed\n`);
  }
  await systemctl(access, 'daemon-reload');
  if (system && units.length === installed.length) {
    await removeUnitFile(SYSUSERS_FILE);
    await removeSystemUser();
  }
  return 0;
}

/** Whether there is a service of the user's own, which is one for all profiles. */
async function isOwnInstalled(
  { units, cron }: ServicePlaces,
  environment: CommandSession['process']['environment'],
): Promise<boolean> {
  if (process.platform === 'darwin') return isAgentInstalled(homeFolder());
  return (
    (await installedUnits('user', units)).length > 0 ||
    (await findCronService(cron, openCrontab(environment))) !== undefined
  );
}

/** Ends the tunnels that cron starts at boot, and has it start them no more. @returns whether it did */
export async function removeCronService(places: ServicePlaces, session: CommandSession): Promise<boolean> {
  const { environment } = session.process;
  const crontab = openCrontab(environment);
  const found = await findCronService(places.cron, crontab);
  if (found === undefined) return false;
  await uninstallCronService(places.cron, crontab);
  const surroundings = surroundingsOf(environment);
  const running = await RunningTunnels.find(surroundings);
  const up = found.profiles.filter((name) => running.named(name) !== undefined);
  running.close();
  const outcomes = await endTunnels(up, environment);
  const failures = outcomes.map(({ failure }) => failure).filter((failure) => failure instanceof Error);
  if (failures[0] !== undefined) throw failures[0];
  const ended = up.length === 0 ? '' : `; ${up.join(', ')} is down`;
  session.print(`tshuttle: cron starts nothing of tshuttle at boot any more${ended}\n`);
  return true;
}

function notInstalled(name: string, installed: readonly string[]): Problem {
  const meant = closestOf(systemUnitName(name), installed);
  const there = installed.length === 0 ? 'none is' : `these are: ${installed.join(', ')}`;
  return { where: name, what: `has no service here; ${meant === undefined ? there : `perhaps ${meant}`}` };
}

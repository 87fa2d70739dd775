import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessContext } from '../../../app/process-context.ts';
import { profileSurroundingsOf } from '../../../app/running-tunnels/profile-surroundings.ts';
import { capturesAnything } from '../../../config/config.ts';
import { loadProfiles } from '../../../config/profiles/load-profiles.ts';
import { homeFolder, ownAccount } from '../../../core/accounts.ts';
import type { Problem } from '../../../core/problem.ts';
import { renderLaunchAgent } from '../../../daemon/service/launch-agent.ts';
import { agentFile, agentLogFile, installAgent } from '../../../daemon/service/launchctl.ts';
import type { Manager } from '../../../daemon/service/systemctl.ts';
import {
  renderSystemUnit,
  renderUserUnit,
  type ServiceProgram,
  SYSTEM_FOLDER,
  systemUnitName,
  USER_UNIT,
} from '../../../daemon/service/units.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { installByCron, renderCronService } from './install-by-cron.ts';
import { installUnits, type Unit } from './install-units.ts';
import { requireServices, type ServiceInput } from './service-input.ts';
import { machineManager, type ServicePlaces, servicePlacesOf, userAccess } from './service-places.ts';
import { requirePower } from './service-power.ts';
import { removeCronService } from './service-uninstall.ts';

/** Of logind: a file for each user whose systemd starts at boot (loginctl(1), enable-linger). */
const LINGERING_USERS = '/var/lib/systemd/linger';

/**
 * Installs what starts profiles at login or boot, and starts it. What was installed before is replaced.
 *
 * @param places where, and by what: tests have another machine
 * @returns the exit code: 75 when it is installed but could not be started yet, which systemd tries again
 * @throws TshuttleError ERR_NO_PRIVILEGE when the service could not get root without a password, ERR_CONFIG
 */
export async function installService(
  input: ServiceInput,
  session: CommandSession,
  places: ServicePlaces = servicePlacesOf(session.process.environment),
): Promise<number> {
  requireServices(input);
  const { process: context, print, refuse } = session;
  const manager: Manager = input.system ? 'system' : 'user';
  const { profiles, problems } = loadProfiles(input.names.length === 0 ? 'all' : input.names, {
    ...profileSurroundingsOf(context.environment),
    ...(input.system ? { configHome: join(SYSTEM_FOLDER, '..') } : {}),
    // A service is in no project.
    workingDirectory: input.system ? '/' : homeFolder(),
  });
  const names = profiles.map(({ name }) => name);
  const all = [...problems, ...(input.system ? names.flatMap(missingCredentials) : [])];
  if (all.length > 0) return await refuse('ERR_CONFIG', all);
  if (names.length === 0)
    return await refuse('ERR_USAGE', [{ where: 'NAME', what: 'is missing, and there is no profile' }]);

  const program = { nodePath: process.execPath, script: context.script };
  const units = unitsFor(manager, program, names, context.environment['XDG_CONFIG_HOME']);
  const { userManager } = places;
  const withoutSystemd =
    !input.system && process.platform === 'linux' && userManager.kind === 'no systemd'
      ? { program, names, place: userManager.place }
      : undefined;
  if (input.print) {
    if (withoutSystemd !== undefined) print(renderCronService(withoutSystemd, places, session));
    else if (process.platform === 'darwin') print(launchAgent(program, names, context.environment));
    else print(units.map(({ text }) => text).join('\n'));
    return 0;
  }
  if (input.system || profiles.some(({ config }) => capturesAnything(config))) requirePower(manager, program);
  if (process.platform === 'darwin') {
    const homeDirectory = homeFolder();
    const plist = launchAgent(program, names, context.environment);
    await installAgent(plist, { homeDirectory, userId: process.getuid?.() ?? 0 });
    print(
      `tshuttle: ${agentFile(homeDirectory)} is installed, and started at each login; ` +
        `its log: ${agentLogFile(homeDirectory)}\n`,
    );
    return 0;
  }
  if (withoutSystemd !== undefined) return await installByCron(withoutSystemd, places, session);
  if (input.system)
    return await installUnits(units, machineManager(context.environment), places.units, { print });
  return await installUserUnits(units, places, session);
}

/** Installs them with the user's own systemd. @throws TshuttleError ERR_CONFIG where that does not run */
async function installUserUnits(
  units: readonly Unit[],
  places: ServicePlaces,
  session: CommandSession,
): Promise<number> {
  const access = userAccess(places);
  const exitCode = await installUnits(units, access, places.units, {
    print: session.print,
    // Of a time without systemd: cron would start them, too.
    beforeStart: async () => await removeCronService(places, session),
  });
  if (exitCode !== 0) return exitCode;
  const { userManager } = places;
  if (userManager.kind === 'reachable' && userManager.missing !== undefined)
    session.print(
      `tshuttle: for systemctl --user and journalctl --user in this shell: ${userManager.missing}\n`,
    );
  const { userName = '' } = ownAccount();
  if (!existsSync(join(LINGERING_USERS, userName)))
    session.print('tshuttle: it starts at login; also at boot, without one: loginctl enable-linger\n');
  return exitCode;
}

function unitsFor(
  manager: Manager,
  program: ServiceProgram,
  names: readonly string[],
  configHome: string | undefined,
): readonly Unit[] {
  return manager === 'user'
    ? [{ name: USER_UNIT, text: renderUserUnit(program, names, configHome) }]
    : names.map((name) => ({ name: systemUnitName(name), text: renderSystemUnit(program, name) }));
}

function launchAgent(
  program: ServiceProgram,
  names: readonly string[],
  environment: ProcessContext['environment'],
): string {
  return renderLaunchAgent(program, names, agentLogFile(homeFolder()), environment['XDG_CONFIG_HOME']);
}

/** What root keeps for a profile of the machine: systemd would not start the service without. */
function missingCredentials(name: string): readonly Problem[] {
  return ['identity', 'known_hosts'].flatMap((file): Problem[] => {
    const path = join(SYSTEM_FOLDER, name, file);
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return [{ where: path, what: 'is missing; the service logs in with it' }];
    const isOpen = file === 'identity' && (status.uid !== 0 || (status.mode & 0o077) !== 0);
    return isOpen ? [{ where: path, what: 'can be read by others than root; chown root, chmod 600' }] : [];
  });
}

import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT_CODES } from '../../../app/exit-code.ts';
import type { ProcessContext } from '../../../app/process-context.ts';
import { profileSurroundingsOf } from '../../../app/running-tunnels/profile-surroundings.ts';
import { loadProfiles } from '../../../config/profiles/load-profiles.ts';
import { homeFolder, ownAccount } from '../../../core/accounts.ts';
import { TshuttleError } from '../../../core/errors.ts';
import { type Problem, renderProblem } from '../../../core/problem.ts';
import { renderLaunchAgent } from '../../../daemon/service/launch-agent.ts';
import { agentFile, agentLogFile, installAgent } from '../../../daemon/service/launchctl.ts';
import { type Manager, runTool, systemctl } from '../../../daemon/service/systemctl.ts';
import { SYSUSERS_FILE, unitFile, writeUnitFile } from '../../../daemon/service/unit-files.ts';
import {
  renderSystemUnit,
  renderSysusers,
  renderUserUnit,
  type ServiceProgram,
  SYSTEM_FOLDER,
  systemUnitName,
  USER_UNIT,
} from '../../../daemon/service/units.ts';
import { findHelperCommandFacts } from '../../../intercept/client/command.ts';
import { canBeGranted, sudoersLine } from '../../../intercept/install/sudoers.ts';
import { whyNotRootsAlone } from '../../../net/machine/root-owned.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { requireServices, type ServiceInput } from './service-input.ts';

const SUDO_TIMEOUT_MS = 10_000;

/** A unit that is to be there. */
interface Unit {
  readonly name: string;
  readonly text: string;
}

/**
 * Installs what starts profiles at login or boot, and starts it. What was installed before is replaced.
 *
 * @returns the exit code: 75 when it is installed but could not be started yet, which systemd tries again
 * @throws TshuttleError ERR_NO_PRIVILEGE when the service could not get root without a password, ERR_CONFIG
 */
export async function installService(input: ServiceInput, session: CommandSession): Promise<number> {
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
  if (input.print) {
    print(
      process.platform === 'darwin'
        ? launchAgent(program, names, context.environment)
        : units.map(({ text }) => text).join('\n'),
    );
    return 0;
  }
  requirePower(manager, program);
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

  if (input.system) {
    writeUnitFile(SYSUSERS_FILE, renderSysusers());
    await mustRun('systemd-sysusers', [SYSUSERS_FILE]);
  }
  const places = { configHome: context.environment['XDG_CONFIG_HOME'], homeDirectory: homeFolder() };
  for (const { name, text } of units) writeUnitFile(unitFile(manager, name, places), text);
  await systemctl(manager, 'daemon-reload');
  let exitCode = 0;
  for (const { name } of units) {
    await systemctl(manager, '--quiet', 'enable', name);
    exitCode ||= await start(manager, name, print);
  }
  if (manager === 'user' && exitCode === 0)
    print('tshuttle: it starts at login; also at boot, without one: loginctl enable-linger\n');
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

/**
 * Whether the service will be able to set rules, which it cannot ask anybody for.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE with what to grant; ERR_CONFIG when others than root could change what root starts
 */
function requirePower(manager: Manager, { nodePath, script }: ServiceProgram): void {
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

/** @returns the exit code */
async function start(manager: Manager, unit: string, print: (text: string) => void): Promise<number> {
  try {
    await systemctl(manager, 'restart', unit);
    print(`tshuttle: ${unit} is installed and up\n`);
    return 0;
  } catch (error) {
    const journal = `journalctl ${manager === 'user' ? '--user ' : ''}-u ${unit}`;
    const what = `is installed, but not up yet; see ${journal}`;
    process.stderr.write(`tshuttle: ${renderProblem({ where: unit, what })}\n`);
    if (error instanceof TshuttleError) return EXIT_CODES.ERR_BASTION_LOST;
    throw error;
  }
}

async function mustRun(program: string, words: readonly string[]): Promise<void> {
  const { status, stderr } = await runTool(program, words);
  if (status !== 0) throw new TshuttleError('ERR_CONFIG', `${program} failed: ${stderr.trim()}`);
}

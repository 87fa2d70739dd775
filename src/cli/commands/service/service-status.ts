import type { ProcessContext } from '../../../app/process-context.ts';
import { RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import { surroundingsOf } from '../../../app/running-tunnels/user-folders.ts';
import { homeFolder } from '../../../core/accounts.ts';
import { TshuttleError } from '../../../core/errors.ts';
import { isCronRunning } from '../../../daemon/service/cron/cron-processes.ts';
import { findCronService, lastTry } from '../../../daemon/service/cron/cron-service.ts';
import { openCrontab } from '../../../daemon/service/cron/crontab.ts';
import { AGENT_LABEL } from '../../../daemon/service/launch-agent.ts';
import { agentFile, agentState, isAgentInstalled } from '../../../daemon/service/launchctl.ts';
import { type ManagerAccess, propertiesOf } from '../../../daemon/service/systemctl.ts';
import {
  descriptionOf,
  installedUnits,
  isUserUnitEnabled,
  type UnitPlaces,
} from '../../../daemon/service/unit-files.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { requireServices, type ServiceInput } from './service-input.ts';
import { machineManager, type ServicePlaces, servicePlacesOf, userAccess } from './service-places.ts';

const PROPERTIES = [
  'Description',
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'StatusText',
  'MainPID',
  'UnitFileState',
];

/**
 * Says what the installed services do: as systemd or launchd has it, or the crontab and the tunnels that are up.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_CONFIG where there are none
 */
export async function serviceStatus(
  { system, json }: ServiceInput,
  { process: context, print }: CommandSession,
  places: ServicePlaces = servicePlacesOf(context.environment),
): Promise<number> {
  requireServices({ system });
  const services: ServiceReport[] = [];
  if (process.platform === 'darwin') services.push(...(await launchdReports()));
  else if (system) services.push(...(await unitReports(machineManager(context.environment), places.units)));
  else {
    services.push(...(await userUnitReports(places)));
    services.push(...(await cronReports(places, context.environment)));
  }
  if (json) print(`${JSON.stringify(services)}\n`);
  else if (services.length === 0) print('tshuttle: no service is installed\n');
  else for (const service of services) print(describe(service));
  return 0;
}

/** Units, as a systemd has them. */
async function unitReports(access: ManagerAccess, places: UnitPlaces): Promise<ServiceReport[]> {
  const reports: ServiceReport[] = [];
  for (const unit of await installedUnits(access.manager, places)) {
    const found = await propertiesOf(access, unit, PROPERTIES);
    reports.push({
      by: 'systemd',
      unit,
      state: found['ActiveState'] ?? '',
      subState: found['SubState'] ?? '',
      result: found['Result'] ?? '',
      atLogin: found['UnitFileState'] === 'enabled',
      restarts: Number(found['NRestarts']),
      pid: Number(found['MainPID']) || null,
      description: found['Description'] ?? '',
      text: found['StatusText'] ?? '',
    });
  }
  return reports;
}

/** Those of the user; where their systemd does not run, or does not answer, by their files. */
async function userUnitReports(places: ServicePlaces): Promise<ServiceReport[]> {
  try {
    // Without units nobody is asked.
    if ((await installedUnits('user', places.units)).length === 0) return [];
    return await unitReports(userAccess(places), places.units);
  } catch (error) {
    if (!(error instanceof TshuttleError)) throw error;
    const isRunning = places.userManager.kind === 'reachable';
    const units = await installedUnits('user', places.units);
    return units.map((unit) => ({
      by: 'systemd',
      unit,
      state: isRunning ? 'unknown' : 'inactive',
      subState: isRunning ? 'your systemd does not answer' : 'your systemd does not run',
      result: '',
      atLogin: isUserUnitEnabled(unit, places.units),
      restarts: 0,
      pid: null,
      description: descriptionOf(unit, places.units),
      text: `${error.message}${error.remedy === undefined ? '' : ` -> ${error.remedy}`}`,
    }));
  }
}

/** What cron starts at boot: cron knows nothing of it afterwards, the tunnels do. */
async function cronReports(
  places: ServicePlaces,
  environment: ProcessContext['environment'],
): Promise<ServiceReport[]> {
  const found = await findCronService(places.cron, openCrontab(environment));
  if (found === undefined) return [];
  const { profiles, isInCrontab, starting } = found;
  const running = await RunningTunnels.find(surroundingsOf(environment));
  running.close();
  const up = profiles.flatMap((name) => running.named(name) ?? []);
  const down = profiles.filter((name) => running.named(name) === undefined);
  const isStarting = starting.length > 0;
  const notes = [
    ...(down.length > 0 && up.length > 0 ? [`not up: ${down.join(', ')}`] : []),
    ...(isStarting || down.length > 0 ? [lastTry(places.cron)].filter((line) => line !== '') : []),
    ...(isInCrontab ? [] : ['its line is not in the crontab: tshuttle service install puts it there']),
    ...((await isCronRunning()) === false ? ['cron does not run now, and starts nothing then'] : []),
  ];
  return [
    {
      by: 'cron',
      unit: '@reboot',
      state: isStarting ? 'activating' : up.length > 0 ? 'active' : 'inactive',
      subState: isStarting ? 'trying again' : up.length > 0 ? 'running' : 'dead',
      result: '',
      atLogin: isInCrontab,
      restarts: 0,
      pid: up[0]?.client.daemon.pid ?? starting[0] ?? null,
      description: `tshuttle: ${profiles.join(', ')}`,
      text: notes.join('; '),
    },
  ];
}

/** The agent of launchd, in the words of systemd where they fit. */
async function launchdReports(): Promise<ServiceReport[]> {
  const homeDirectory = homeFolder();
  if (!isAgentInstalled(homeDirectory)) return [];
  const found = await agentState(process.getuid?.() ?? 0);
  const isRunning = found?.state === 'running';
  const failure = found?.lastExitCode ?? 0;
  return [
    {
      by: 'launchd',
      unit: AGENT_LABEL,
      state: isRunning ? 'active' : failure === 0 ? 'inactive' : 'failed',
      subState: found?.state ?? 'not loaded',
      result: failure === 0 ? 'success' : `exit code ${failure}`,
      atLogin: true,
      restarts: Math.max(0, (found?.runs ?? 1) - 1),
      pid: found?.pid ?? null,
      description: `tshuttle: ${agentFile(homeDirectory)}`,
      text: '',
    },
  ];
}

interface ServiceReport {
  /** What starts it. */
  readonly by: 'systemd' | 'launchd' | 'cron';
  readonly unit: string;
  readonly state: string;
  readonly subState: string;
  readonly result: string;
  readonly atLogin: boolean;
  readonly restarts: number;
  readonly pid: number | null;
  readonly description: string;
  readonly text: string;
}

function describe({
  by,
  unit,
  state,
  subState,
  result,
  restarts,
  pid,
  description,
  text,
}: ServiceReport): string {
  const facts = [
    `${state} (${subState}${result === 'success' || result === '' ? '' : `, ${result}`})`,
    ...(pid === null ? [] : [`process id ${pid}`]),
    ...(restarts === 0 ? [] : [`restarted ${restarts} times`]),
    ...(text === '' ? [] : [text]),
  ];
  return `${by === 'cron' ? `${unit} of cron` : unit}, ${description.replace(/^tshuttle: /, 'for ')}: ${facts.join(', ')}\n`;
}

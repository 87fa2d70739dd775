import { homeFolder } from '../../../core/accounts.ts';
import { AGENT_LABEL } from '../../../daemon/service/launch-agent.ts';
import { agentFile, agentState, isAgentInstalled } from '../../../daemon/service/launchctl.ts';
import { type Manager, propertiesOf } from '../../../daemon/service/systemctl.ts';
import { installedUnits } from '../../../daemon/service/unit-files.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { requireServices, type ServiceInput } from './service-input.ts';

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
 * Says what the installed services do, as systemd has it.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_CONFIG where there are none
 */
export async function serviceStatus(
  { system, json }: ServiceInput,
  { process: context, print }: CommandSession,
): Promise<number> {
  requireServices({ system });
  const manager: Manager = system ? 'system' : 'user';
  const places = { configHome: context.environment['XDG_CONFIG_HOME'], homeDirectory: homeFolder() };
  const services: ServiceReport[] = process.platform === 'darwin' ? await launchdReports() : [];
  const units = process.platform === 'linux' ? await installedUnits(manager, places) : [];
  for (const unit of units) {
    const found = await propertiesOf(manager, unit, PROPERTIES);
    services.push({
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
  if (json) print(`${JSON.stringify(services)}\n`);
  else if (services.length === 0) print('tshuttle: no service is installed\n');
  else for (const service of services) print(describe(service));
  return 0;
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
  return `${unit}, ${description.replace(/^tshuttle: /, 'for ')}: ${facts.join(', ')}\n`;
}

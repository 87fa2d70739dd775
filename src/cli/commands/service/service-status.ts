import { homeFolder } from '../../../core/accounts.ts';
import { type Manager, propertiesOf } from '../../../daemon/service/systemctl.ts';
import { installedUnits } from '../../../daemon/service/unit-files.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import type { ServiceInput } from './service-input.ts';

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

/** Says what the installed services do, as systemd has it. @returns the exit code */
export async function serviceStatus(
  { system, json }: ServiceInput,
  { process: context, print }: CommandSession,
): Promise<number> {
  const manager: Manager = system ? 'system' : 'user';
  const places = { configHome: context.environment['XDG_CONFIG_HOME'], homeDirectory: homeFolder() };
  const services: ServiceReport[] = [];
  for (const unit of await installedUnits(manager, places)) {
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

import { EXIT_CODES } from '../../../app/exit-code.ts';
import { TshuttleError } from '../../../core/errors.ts';
import { renderProblem } from '../../../core/problem.ts';
import { isCronRunning } from '../../../daemon/service/cron/cron-processes.ts';
import { installCronService } from '../../../daemon/service/cron/cron-service.ts';
import { type Crontab, openCrontab } from '../../../daemon/service/cron/crontab.ts';
import { rebootLine } from '../../../daemon/service/cron/crontab-text.ts';
import { renderStartScript } from '../../../daemon/service/cron/start-script.ts';
import { removeUserUnits } from '../../../daemon/service/unit-files.ts';
import type { ServiceProgram } from '../../../daemon/service/units.ts';
import type { PlaceWithoutSystemd } from '../../../daemon/service/user-manager.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { startProfiles } from '../up-down/start-profiles.ts';
import type { ServicePlaces } from './service-places.ts';

/** What is to be started at boot. */
interface CronOrder {
  readonly program: ServiceProgram;
  readonly names: readonly string[];
  readonly place: PlaceWithoutSystemd;
}

/** The script and the line of the crontab, for people. */
export function renderCronService(order: CronOrder, places: ServicePlaces, session: CommandSession): string {
  const line = Buffer.from(rebootLine(places.cron.scriptFile), 'latin1').toString('utf8');
  return `# In the crontab:\n# ${line}\n# ${places.cron.scriptFile}:\n${scriptOf(order, places, session)}`;
}

/**
 * Has cron start profiles at boot, and starts them now: for where there is no systemd.
 *
 * @returns the exit code: 75 when it is installed, and not all are up yet
 * @throws TshuttleError ERR_CONFIG with the line for a login where there is no cron either, and with what crontab said
 */
export async function installByCron(
  order: CronOrder,
  places: ServicePlaces,
  session: CommandSession,
  start: typeof startProfiles = startProfiles,
): Promise<number> {
  const { environment } = session.process;
  const crontab = openCrontab(environment) ?? refuseWithoutCron(order);
  await installCronService(scriptOf(order, places, session), places.cron, crontab);
  // Of a time when there was one: it would start them, too.
  await removeUserUnits(places.units);
  session.print(
    `tshuttle: there is no systemd (this is ${order.place}): cron starts ${order.names.join(', ')} at boot, with ${places.cron.scriptFile}\n`,
  );
  const hint = await cronHint(order.place);
  if (hint !== undefined) process.stderr.write(`tshuttle: ${renderProblem(hint)}\n`);
  const exitCode = await start({ names: order.names, json: false }, session);
  if (exitCode === 0) return 0;
  const what = 'is installed, but not all of it is up yet; try again: tshuttle up';
  process.stderr.write(
    `tshuttle: ${renderProblem({ where: 'cron', what: `${what} ${order.names.join(' ')}` })}\n`,
  );
  return EXIT_CODES.ERR_BASTION_LOST;
}

function scriptOf(
  { program, names }: CronOrder,
  { cron: { logFile } }: ServicePlaces,
  { process: { environment } }: CommandSession,
): string {
  const { XDG_CONFIG_HOME, XDG_STATE_HOME } = environment;
  return renderStartScript(program, names, { logFile, variables: { XDG_CONFIG_HOME, XDG_STATE_HOME } });
}

function refuseWithoutCron({ program: { nodePath, script }, names, place }: CronOrder): Crontab {
  const line = `${nodePath} ${script} up ${names.join(' ')}`;
  throw new TshuttleError(
    'ERR_CONFIG',
    `nothing here can start tunnels at login: there is no systemd (this is ${place}), and no crontab`,
    { remedy: `${INSTEAD[place]}; or put this line into ~/.profile: ${line}` },
  );
}

const INSTEAD: Readonly<Record<PlaceWithoutSystemd, string>> = {
  WSL: 'systemd=true below [boot] in /etc/wsl.conf, then wsl --shutdown, gives WSL a systemd',
  'a container': 'install cron in it, and start that with the container',
  'a machine with another init system': 'install cron (apt install cron, or its like)',
};

/** What cron lacks for a start at boot; undefined where nothing can be seen of that. */
async function cronHint(place: PlaceWithoutSystemd) {
  if ((await isCronRunning()) !== false) return undefined;
  const start =
    place === 'WSL'
      ? 'have WSL start it: command="service cron start" below [boot] in /etc/wsl.conf'
      : 'it must be started when the machine is: service cron start';
  return { where: 'cron', what: `does not run now, and starts nothing then; ${start}` };
}

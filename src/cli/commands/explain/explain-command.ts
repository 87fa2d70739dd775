import type { RunningTunnelHandle, RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import { OPTIONS, type RawOptions } from '../../../config/options/table.ts';
import { parseSubnet } from '../../../config/parse/networks/subnet.ts';
import type { Profile } from '../../../config/profiles/load-profiles.ts';
import { formatCidr } from '../../../net/address/cidr.ts';
import { type CommandSession, defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { isJsonAsked, jsonOption } from '../../command/json-option.ts';
import type { NamedConfig } from '../../command/named-config.ts';
import { rawOptions } from '../../command/tunnel-options.ts';
import type { ExplainedDestination } from './explain.ts';
import type { RunningAnswer } from './explain-running.ts';

/** Arguments of `tshuttle explain`. */
interface ExplainInput {
  readonly destination: ExplainedDestination;
  readonly raw: RawOptions;
  readonly asJson: boolean;
}

/** `tshuttle explain` */
export const explainCommand = defineCommand<ExplainInput>({
  name: 'explain',
  wordsBeforeTunnel: 2,
  missing: 'needs a destination, as in tshuttle explain db.example:5432',
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.explain)
      .description(TEXTS.explainDescription)
      .usage('HOST[:PORT] [NAME | -r [USER@]HOST [options] [SUBNET...]]')
      .argument('<HOST[:PORT]>', TEXTS.explained)
      .argument('[SUBNET...]', OPTIONS.subnets.help)
      .addOption(jsonOption())
      .action((text: string, subnets: string[]) => {
        const destination = parseExplained(text);
        if (destination === undefined) {
          refuse({ where: text, what: 'is not HOST or HOST:PORT, as in db.example:5432' });
          return;
        }
        choose({ destination, raw: rawOptions(subnets, command), asJson: isJsonAsked(command) });
      });
  },
  run: async ({ destination, raw, asJson }, given) => {
    const lines: string[] = [];
    const { printFitted } = await import('../../rendering/fit-lines.ts');
    const print = asJson
      ? (text: string) => void lines.push(...text.trimEnd().split('\n'))
      : printFitted(given.print);
    const session = { ...given, print };
    const explained = await explainDestination(destination, raw, session);
    if (typeof explained === 'number') return explained;
    const { host, port } = destination;
    if (asJson) given.print(`${JSON.stringify({ host, port: port ?? null, ...explained, lines })}\n`);
    return 0;
  },
});

/** For programs; null where it is told what a configuration would do. */
type Explained = RunningAnswer | { readonly [key in keyof RunningAnswer]: null };

const NOT_RUNNING = { capturedBy: null, wouldCapture: null, problems: null };

/** @returns the exit code when something is wrong, which has been said */
async function explainDestination(
  destination: ExplainedDestination,
  raw: RawOptions,
  session: CommandSession,
): Promise<Explained | number> {
  const { RunningTunnels } = await import('../../../app/running-tunnels/running-tunnels.ts');
  const { surroundingsOf } = await import('../../../app/running-tunnels/user-folders.ts');
  const running = await RunningTunnels.find(surroundingsOf(session.process.environment));
  try {
    const [name, ...others] = raw.subnets;
    if (raw.remote === undefined && name !== undefined && others.length === 0 && isName(name)) {
      return await explainNamed(name, destination, raw, running, session);
    }
    // Who names no tunnel asks about those that run, and about the profiles that do not.
    if (raw.remote === undefined && raw.subnets.length === 0) {
      const profiles = await profilesDown(running, session);
      if (running.all.length + profiles.length > 0) {
        return await explainByAll(destination, running.all, profiles, session);
      }
    }
    const hosts = await explainConfigured(destination, raw, session);
    if (typeof hosts === 'number') return hosts;
    const { tellWhatHappened } = await import('./explain-running.ts');
    await tellWhatHappened(hosts, destination.port, running.all, new Set(), session.print);
    return NOT_RUNNING;
  } finally {
    running.close();
  }
}

/** A tunnel that runs is asked what it did; else its profile says what it would do. */
async function explainNamed(
  name: string,
  destination: ExplainedDestination,
  raw: RawOptions,
  running: RunningTunnels,
  session: CommandSession,
): Promise<Explained | number> {
  if (running.named(name) !== undefined) {
    // Another one may get what this one captures, too.
    return await explainByAll(destination, running.all, [], session);
  }
  const { namedConfig } = await import('../../command/named-config.ts');
  const named = await namedConfig(raw, session, running.names);
  if (typeof named === 'number') return named;
  session.print(`${name} is not up (start it: tshuttle up ${name}); it would do this:\n`);
  await explainConfig(destination, named!, session);
  return NOT_RUNNING;
}

/** @param profiles those that are not up, where it matters */
async function explainByAll(
  { host, port }: ExplainedDestination,
  tunnels: readonly RunningTunnelHandle[],
  profiles: readonly Profile[],
  { print }: CommandSession,
): Promise<RunningAnswer> {
  const { explainByRunning } = await import('./explain-running.ts');
  const { profilesThatWould } = await import('./profiles-that-would.ts');
  const { lookUpLocally } = await import('../../../config/resolve-subnets.ts');
  const { isOwnAddress } = await import('../../../net/machine/local-addresses.ts');
  if (tunnels.length === 0) print('no tunnel is up\n');
  return await explainByRunning(host, port, tunnels, {
    print,
    lookUp: lookUpLocally,
    isOwnAddress,
    profilesThatWould: (hosts, onPort) => profilesThatWould(hosts, onPort, profiles),
  });
}

/** What is wrong with a profile is said by what is to start it. */
async function profilesDown(
  running: RunningTunnels,
  { process }: CommandSession,
): Promise<readonly Profile[]> {
  const { loadProfiles } = await import('../../../config/profiles/load-profiles.ts');
  const { profileSurroundingsOf } = await import('../../../app/running-tunnels/profile-surroundings.ts');
  const { profiles } = loadProfiles('all', profileSurroundingsOf(process.environment));
  return profiles.filter(({ name }) => running.named(name) === undefined);
}

/** @returns the destination by its name and its addresses; or the exit code when the options are wrong */
async function explainConfigured(
  destination: ExplainedDestination,
  raw: RawOptions,
  session: CommandSession,
): Promise<readonly string[] | number> {
  const parsed = await session.configOf(raw);
  return typeof parsed === 'number' ? parsed : await explainConfig(destination, parsed, session);
}

async function explainConfig(
  destination: ExplainedDestination,
  { config, warnings }: NamedConfig,
  { process, print, prepare }: CommandSession,
): Promise<readonly string[]> {
  const { logger, tunnelContext } = await prepare(config, warnings);
  const { explain } = await import('./explain.ts');
  const { lookUp } = tunnelContext;
  return await explain(destination, config, { logger, signal: process.stop.signal, lookUp, print });
}

function isName(word: string): boolean {
  return parseSubnet(word).kind !== 'network';
}

function parseExplained(text: string): ExplainedDestination | undefined {
  const subnet = parseSubnet(text);
  if (subnet.kind === 'invalid' || subnet.ports.first !== subnet.ports.last) {
    const isAllPorts = subnet.kind !== 'invalid' && subnet.ports.first === 1 && subnet.ports.last === 65_535;
    if (!isAllPorts) return undefined;
  }
  const port = subnet.ports.first === subnet.ports.last ? subnet.ports.first : undefined;
  if (subnet.kind === 'name') return { host: subnet.name, port };
  return subnet.cidr.first === subnet.cidr.last ? { host: formatCidr(subnet.cidr), port } : undefined;
}

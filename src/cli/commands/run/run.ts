import { randomBytes } from 'node:crypto';
import { openEvents } from '../../../app/events/open-events.ts';
import { type RunningTunnel, type UpContext, up } from '../../../app/keep-up/keep-up.ts';
import { openAsApplication } from '../../../app/keep-up/open-as-application.ts';
import { cloudProbe, waitUntilReached } from '../../../app/keep-up/reach-probe.ts';
import { doesTheSame } from '../../../app/keep-up/same-tunnel.ts';
import { type RunningTunnelHandle, RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import { surroundingsOf } from '../../../app/running-tunnels/user-folders.ts';
import type { Config } from '../../../config/config.ts';
import { resolveSubnets } from '../../../config/resolve-subnets.ts';
import { TshuttleError } from '../../../core/errors.ts';
import type { Problem } from '../../../core/problem.ts';
import { tunnelNameOf } from '../../../daemon/files/paths.ts';
import { cidrOf } from '../../../net/address/cidr.ts';
import { hasRoute } from '../../../net/machine/route-check.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { progressLine } from '../../rendering/progress-line.ts';
import { type ChildCommand, startCommand } from './child-command.ts';
import { type HeldCommand, holdCommand } from './held-command.ts';
import { keepAwake } from './keep-awake.ts';
import { proxyEnvironment } from './proxy-environment.ts';
import { runJoined } from './run-joined.ts';
import { mayJoin, type RunOptions } from './run-options.ts';

/** The tunnel for a command. */
interface ConfigToRun {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** Left out: it has no profile. */
  readonly name?: string;
}

/**
 * Runs a command with a tunnel around it, or with one that is up and does the same. Where nobody lets us set rules, the
 * command gets proxies instead.
 *
 * @returns the command's exit code
 * @throws TshuttleError only before the command has started
 */
export async function run(
  options: RunOptions,
  { config, warnings, name = tunnelNameOf(config) }: ConfigToRun,
  session: CommandSession,
): Promise<number> {
  const { logger, tunnelContext: prepared } = await session.prepare(config, warnings);
  const tunnelContext = { ...prepared, name };
  const joined = mayJoin(options) ? await findSame(config, session) : undefined;
  if (joined !== undefined) {
    const place = options.probe ?? config.openstack?.authHost;
    return await runJoined(options.command, joined, place, session);
  }
  if (options.isolated) return await runIsolated(options, config, tunnelContext, session);
  if (options.only) return await runEnclosed(options, config, tunnelContext, session);
  const runWith = (rootless: boolean): Promise<number> =>
    runInside({ ...options, rootless }, config, tunnelContext, session);
  if (options.rootless) return await runWith(true);
  try {
    return await runWith(false);
  } catch (error) {
    const mayDoWithout = config.dns?.everything !== true && isForWantOfRoot(error);
    if (!mayDoWithout || session.process.stop.signal.aborted) throw error;
    logger.warn(`${error.message}; the command gets proxies instead, as with --rootless`);
    return await runWith(true);
  }
}

/** @throws TshuttleError ERR_NO_PRIVILEGE when no namespace can be had */
async function runIsolated(
  options: RunOptions,
  config: Config,
  tunnelContext: Omit<UpContext, 'onReady'>,
  session: CommandSession,
): Promise<number> {
  const { openNetworkNamespace } = await import('../../../net/machine/namespace/network-namespace.ts');
  const isIpv6Captured = config.subnets.some(
    ({ action, subnet }) => action === 'include' && subnet.kind === 'network' && subnet.cidr.family === 6,
  );
  const everywhere = cidrOf('2000::', 3);
  const ipv6 = config.ipv6 && (isIpv6Captured || (await hasRoute(everywhere)));
  const namespace = await openNetworkNamespace(ipv6);
  try {
    return await runInside(options, config, { ...tunnelContext, namespace }, session);
  } finally {
    await namespace.close();
  }
}

/** Has the command wait, in a control group of its own, until what it opens is captured. */
async function runEnclosed(
  options: RunOptions,
  config: Config,
  tunnelContext: Omit<UpContext, 'onReady'>,
  session: CommandSession,
): Promise<number> {
  const held = holdCommand(options.command, session.process.environment, reportLine);
  try {
    return await runInside(options, config, { ...tunnelContext, enclosed: held.pid }, session, held);
  } finally {
    await held.abandon();
  }
}

/** A tunnel of this user that captures all that is asked for already. */
async function findSame(
  config: Config,
  { process: context }: CommandSession,
): Promise<RunningTunnelHandle | undefined> {
  const running = await RunningTunnels.find(surroundingsOf(context.environment));
  // Names are only looked up where there is something to compare them with.
  const rules = running.all.length === 0 ? [] : (await resolveSubnets(config)).rules;
  return running.keepOnly(({ report }) => doesTheSame(report, config, rules));
}

function isForWantOfRoot(error: unknown): error is TshuttleError {
  return (
    error instanceof TshuttleError &&
    (error.code === 'ERR_NO_PRIVILEGE' || error.code === 'ERR_NO_INTERCEPTOR')
  );
}

async function runInside(
  { command, rootless, probe }: RunOptions,
  config: Config,
  tunnelContext: Omit<UpContext, 'onReady'>,
  { process: context }: CommandSession,
  held?: HeldCommand,
): Promise<number> {
  const { stop } = context;
  const login = { user: 'tshuttle', password: randomBytes(24).toString('base64url') };
  let started: ChildCommand | undefined;
  const onReady = async ({ tunnel }: RunningTunnel): Promise<void> => {
    const { authHost } = config.openstack ?? {};
    const place = probe ?? (authHost === undefined ? undefined : cloudProbe(authHost));
    // Through a proxy the command's names are the bastion's to resolve.
    const way = rootless ? tunnel : { open: openAsApplication(tunnel, config.dns?.zones) };
    if (place !== undefined) await waitUntilReached(way, place, stop.signal, tunnelContext.onStep);
    tunnelContext.onStep?.(undefined);
    const proxies = rootless ? proxyEnvironment(tunnel.proxies, login) : {};
    const letSleep = keepAwake(command[0]);
    const { namespace } = tunnelContext;
    const inside = [...(namespace?.kind === 'own' ? namespace.asUser : []), ...command] as [
      string,
      ...string[],
    ];
    const running =
      held?.release() ?? startCommand(inside, { ...context.environment, ...proxies }, reportLine);
    started = running;
    context.onSignal = (name) => running.signal(name);
    // By itself only for a bug of ours, which ends the tunnel: what the command would send then would go elsewhere.
    stop.signal.addEventListener('abort', () => running.signal('SIGTERM'), { once: true });
    void running.ended.then((exitCode) => {
      letSleep();
      context.onSignal = undefined;
      stop.request(exitCode);
    });
  };
  const loopback = { address: '127.0.0.1', port: 0 };
  const proxied: Config = {
    ...config,
    proxies: [
      { protocol: 'http', ...loopback },
      { protocol: 'socks', ...loopback },
    ],
    proxyLogin: login,
  };
  // Whoever runs the command hears of a start that fails, and it may be tried once more, with proxies.
  const who = { name: tunnelContext.name, isWatched: true };
  const events = await openEvents(config, who, tunnelContext.logger);
  try {
    const exitCode = await up(rootless ? proxied : config, {
      ...tunnelContext,
      events,
      onReady,
      isRootless: rootless,
    });
    await started?.ended;
    return exitCode;
  } catch (error) {
    if (started === undefined) throw error;
    // The command's connections fail, and what it makes of that is for it to say.
    context.reportFailure(error);
    return await started.ended;
  }
}

function reportLine(line: string): void {
  progressLine.erase();
  process.stderr.write(`tshuttle: ${line}\n`);
}

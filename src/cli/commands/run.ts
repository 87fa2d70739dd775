import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import { TshuttleError } from '../../core/errors.ts';
import { type Problem, renderProblem } from '../../core/problem.ts';
import { parseCidr } from '../../net/cidr.ts';
import { formatHostPort, type HostPort } from '../../net/endpoint.ts';
import { hasRoute } from '../../net/route-check.ts';
import type { Tunnel } from '../../tunnel/tunnel.ts';
import { type ChildCommand, startCommand } from '../child-command.ts';
import type { CommandSession } from '../command-definition.ts';
import { keepAwake } from '../keep-awake.ts';
import { proxyEnvironment } from '../proxy-environment.ts';
import { type RunningTunnel, type UpContext, up } from './up.ts';

/** What is to be run, and how. */
interface RunOptions {
  readonly command: readonly [string, ...string[]];
  readonly rootless: boolean;
  readonly isolated: boolean;
  /** What must be reachable through the bastion before the command starts. */
  readonly probe: HostPort | undefined;
}

/** How long a probe may be refused before that counts, and between two of them, in ms. */
const PROBE_PATIENCE_MS = 30_000;
const PROBE_INTERVAL_MS = 1_000;

/**
 * Runs a command with a tunnel around it. Where nobody lets us set rules, the command gets proxies instead.
 *
 * @returns the command's exit code
 * @throws TshuttleError only before the command has started
 */
export async function run(
  options: RunOptions,
  { config, warnings }: { readonly config: Config; readonly warnings: readonly Problem[] },
  session: CommandSession,
): Promise<number> {
  const { logger, tunnelContext } = await session.prepare(config);
  for (const warning of warnings) logger.warn(renderProblem(warning));
  if (options.isolated) return await runIsolated(options, config, tunnelContext, session);
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
  const { openNetworkNamespace } = await import('../../net/network-namespace.ts');
  const isIpv6Captured = config.subnets.some(
    ({ action, subnet }) => action === 'include' && subnet.kind === 'network' && subnet.cidr.family === 6,
  );
  const everywhere = parseCidr('2000::/3')!;
  const ipv6 = config.ipv6 && (isIpv6Captured || (await hasRoute(everywhere)));
  const namespace = await openNetworkNamespace(ipv6);
  try {
    return await runInside(options, config, { ...tunnelContext, namespace }, session);
  } finally {
    await namespace.close();
  }
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
): Promise<number> {
  const { stop } = context;
  const login = { user: 'tshuttle', password: randomBytes(24).toString('base64url') };
  let started: ChildCommand | undefined;
  const onReady = async ({ tunnel }: RunningTunnel): Promise<void> => {
    if (probe !== undefined) await waitUntilReached(tunnel, probe, stop.signal);
    const proxies = rootless ? proxyEnvironment(tunnel.proxies, login) : {};
    const letSleep = keepAwake(command[0]);
    const report = (line: string): void => void process.stderr.write(`tshuttle: ${line}\n`);
    const inside = [...(tunnelContext.namespace?.asUser ?? []), ...command] as [string, ...string[]];
    const running = startCommand(inside, { ...context.environment, ...proxies }, report);
    started = running;
    context.onSignal = (name) => running.signal(name);
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
  try {
    return await up(rootless ? proxied : config, { ...tunnelContext, onReady, isRootless: rootless });
  } catch (error) {
    if (started === undefined) throw error;
    // The command's connections fail, and what it makes of that is for it to say.
    context.reportFailure(error);
    return await started.ended;
  }
}

/** Waits until something answers behind the bastion. @throws TshuttleError as `Transport.open` does, when that takes too long */
async function waitUntilReached(tunnel: Tunnel, probe: HostPort, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + PROBE_PATIENCE_MS;
  for (;;) {
    try {
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(PROBE_PATIENCE_MS)]);
      (await tunnel.open(probe, attempt)).destroy();
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!(error instanceof TshuttleError)) throw notReached(probe, error);
      if (performance.now() > deadlineMs || isProhibited(error.cause)) throw error;
      await delay(PROBE_INTERVAL_MS, undefined, { signal });
    }
  }
}

function notReached({ host, port }: HostPort, cause: unknown): TshuttleError {
  const seconds = PROBE_PATIENCE_MS / 1_000;
  const message = `no answer from ${formatHostPort(host, port)} through the bastion within ${seconds} s`;
  return new TshuttleError('ERR_CHANNEL_REFUSED', message, { cause });
}

function isProhibited(end: unknown): boolean {
  return typeof end === 'object' && end !== null && Reflect.get(end, 'reason') === 'prohibited';
}

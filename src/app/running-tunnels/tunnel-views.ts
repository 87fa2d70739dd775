import type { SilentDaemon } from '../../daemon/control/client.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import type { Shared } from '../keep-up/shared-networks.ts';
import type { ProcessContext } from '../process-context.ts';
import { type Health, healthOf, problemsOf, type TunnelProblem, worstOf } from './health.ts';
import { RunningTunnels } from './running-tunnels.ts';
import { surroundingsOf } from './user-folders.ts';

/** A tunnel that runs, with what there is to say of it; plain data, for JSON. */
export interface TunnelView extends TunnelReport {
  readonly pid: number;
  readonly health: Health;
  /** What decides the health comes first. */
  readonly problems: readonly TunnelProblem[];
  /** What another tunnel captures as well. */
  readonly shares: readonly Shared[];
}

/** The tunnels that were asked for, as they are now. */
export interface TunnelsNow {
  readonly tunnels: readonly TunnelView[];
  /** Processes that do not answer. */
  readonly silent: readonly SilentDaemon[];
  /** Names that were asked for of which no tunnel is up. */
  readonly down: readonly string[];
  /** The worst of all. */
  readonly health: Health;
}

/**
 * Looks at the tunnels of these names; without names at all.
 *
 * @param how as of {@link RunningTunnels.find}
 * @throws TshuttleError ERR_USAGE for a name that no tunnel and no profile has
 */
export async function lookAt(
  names: readonly string[],
  environment: ProcessContext['environment'],
  how: 'as known' | 'checked',
): Promise<TunnelsNow> {
  const running = await RunningTunnels.find(surroundingsOf(environment), how);
  running.close();
  const nowMs = Date.now();
  const all = await viewsOf(running, nowMs);
  const up = names.length === 0 ? all : names.flatMap((name) => all[running.indexOf(name)] ?? []);
  const down = names.filter((name) => running.named(name) === undefined);
  for (const name of down) await refuseUnknown(name, running.names, environment);
  const silent = running.silent;
  return { tunnels: up, silent, down, health: healthOfAll(up, silent, names.length === 0, down) };
}

async function viewsOf(running: RunningTunnels, nowMs: number): Promise<readonly TunnelView[]> {
  const reports = running.all.map(({ report }) => report);
  // Reads every rule of all of them, which one tunnel alone need not.
  const shared = reports.length < 2 ? [] : (await import('../keep-up/shared-networks.ts')).sharedBy(reports);
  return running.all.map(({ client, report }) => ({
    ...report,
    pid: client.daemon.pid,
    health: healthOf(report, nowMs),
    problems: problemsOf(report, nowMs),
    shares: shared.filter(({ winner, loser }) => winner === report.name || loser === report.name),
  }));
}

/** A process of the user's that does not answer has to be ended by the user, and may have any name. */
function healthOfAll(
  tunnels: readonly TunnelView[],
  silent: readonly SilentDaemon[],
  isAboutAll: boolean,
  down: readonly string[],
): Health {
  const isStuck = isAboutAll && silent.some(({ isOwn }) => isOwn);
  return worstOf([
    ...tunnels.map(({ health }) => health),
    ...down.map(() => 'down' as const),
    ...(isStuck ? ['needs-you' as const] : []),
  ]);
}

async function refuseUnknown(
  name: string,
  up: readonly string[],
  environment: ProcessContext['environment'],
): Promise<void> {
  const { findAbsent } = await import('./unknown-tunnel.ts');
  const absent = findAbsent(name, up, environment);
  if (absent.kind === 'unknown') throw absent.error;
}

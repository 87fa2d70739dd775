import type { SilentDaemon } from '../../daemon/control/client.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import { type Shared, sharedBy } from '../keep-up/shared-networks.ts';
import type { ProcessContext } from '../process-context.ts';
import { type Health, healthOf, problemsOf, type TunnelProblem, worstOf } from './health.ts';
import { type RunningTunnelHandle, RunningTunnels } from './running-tunnels.ts';
import type { NamePlace } from './unknown-tunnel.ts';
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
  /** Those of them that no profile has: a command line had started them. */
  readonly over: readonly string[];
  /** The worst of all. */
  readonly health: Health;
}

/**
 * Looks at the tunnels of these names; without names at all.
 *
 * @param command the one that asks, for the line to type
 * @param how as of {@link RunningTunnels.find}; `health alone`: as known, and without what they share, which costs a prompt 10 ms
 * @throws TshuttleError ERR_USAGE for a name that no tunnel and no profile has
 */
export async function lookAt(
  command: 'status' | 'is-up',
  names: readonly string[],
  environment: ProcessContext['environment'],
  how: 'as known' | 'checked' | 'health alone',
): Promise<TunnelsNow> {
  const isHealthAlone = how === 'health alone';
  const running = await RunningTunnels.find(surroundingsOf(environment), isHealthAlone ? 'as known' : how);
  running.close();
  const over = await refuseUnknown(names, running, { command, environment });
  return describeFound(names, running, over, !isHealthAlone).now;
}

/**
 * The tunnels of these names that were found, of each the view, at the same place, and the way to it.
 *
 * @param over as of {@link TunnelsNow}
 * @param tellsShares whether it is said what several of them capture
 */
export function describeFound(
  names: readonly string[],
  running: RunningTunnels,
  over: readonly string[] = [],
  tellsShares = true,
): { readonly now: TunnelsNow; readonly handles: readonly RunningTunnelHandle[] } {
  const all = viewsOf(running, Date.now(), tellsShares);
  const chosen = names.length === 0 ? [...all.keys()] : names.map((name) => running.indexOf(name));
  const up = chosen.filter((index) => index >= 0);
  const down = names.filter((_, place) => chosen[place]! < 0);
  const tunnels = up.map((index) => all[index]!);
  const silent = running.silent;
  const health = healthOfAll(tunnels, silent, names.length === 0, down);
  const now = { tunnels, silent, down, over, health };
  return { now, handles: up.map((index) => running.all[index]!) };
}

/** Whether there is nothing to tell of, but how to start a tunnel. */
export function isNothing({ tunnels, silent, down }: TunnelsNow): boolean {
  return tunnels.length + silent.length + down.length === 0;
}

function viewsOf(running: RunningTunnels, nowMs: number, tellsShares: boolean): readonly TunnelView[] {
  const reports = running.all.map(({ report }) => report);
  // Compares every rule of all of them, which one tunnel alone need not.
  const shared = !tellsShares || reports.length < 2 ? [] : sharedBy(reports);
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

/**
 * @returns those that are not up any more, and that no profile has
 * @throws TshuttleError ERR_USAGE for a name that no tunnel and no profile has
 */
export async function refuseUnknown(
  names: readonly string[],
  running: RunningTunnels,
  place: Omit<NamePlace, 'up'>,
): Promise<readonly string[]> {
  const unfound = names.filter((name) => running.named(name) === undefined);
  if (unfound.length === 0) return [];
  const { findAbsent } = await import('./unknown-tunnel.ts');
  return unfound.filter((name) => {
    const absent = findAbsent(name, { ...place, up: running.names });
    if (absent.kind === 'unknown') throw absent.error;
    return absent.kind === 'over';
  });
}

import { FAILURE_WORDS, wordFor } from '../../../../app/running-tunnels/health.ts';
import type { TunnelsNow, TunnelView } from '../../../../app/running-tunnels/tunnel-views.ts';
import type { FailureCause, FailureCount, FlowEnding } from '../../../../tunnel/status/status.ts';
import { markOf } from '../../../rendering/status-text.ts';
import type { MovingFlow, Throughput } from '../rates.ts';

/** What one look at tunnels has found, for programs and for the page: plain data. Times are ms since 1970. */
export interface TopDocument extends Omit<TunnelsNow, 'tunnels' | 'over'> {
  readonly atMs: number;
  readonly tunnels: readonly TopTunnel[];
  /** The flows of all tunnels that are not over, those that move most first. */
  readonly flows: readonly TopFlow[];
  /** What could not be carried, the latest first. */
  readonly failures: readonly TopFailure[];
  readonly totals: TopTotals;
}

/** A tunnel, as `status --json` has it, and how fast it moves. Rates are those since the look before. */
export interface TopTunnel extends TunnelView, Throughput {
  /** The symbol of its health, and the word for it: as `status` shows them. */
  readonly mark: string;
  readonly word: string;
}

/** A flow of the tunnel of this name. */
export interface TopFlow extends MovingFlow {
  readonly tunnel: string;
  /** The program of this machine that has opened it; null where it is not known, left out where the system does not tell. */
  readonly program?: FlowProgram | null;
}

/** A program that runs. */
export interface FlowProgram {
  readonly name: string;
  readonly pid: number;
}

/** What a tunnel could not carry for one cause, since its start. */
export interface TopFailure extends Omit<FailureCount, 'advice'> {
  readonly tunnel: string;
  /** For people: `refused by the destination`. */
  readonly what: string;
  /** Null when there is nothing to do. */
  readonly remedy: string | null;
  /** Where to, of the flows that have ended lately; the latest first. */
  readonly destinations: readonly FailedDestination[];
}

/** Flows to one destination that ended for one cause lately. */
interface FailedDestination {
  readonly destination: string;
  readonly count: number;
  readonly lastAtMs: number;
  /** How the last one ended, in the words of the log. */
  readonly why: string;
}

/** All tunnels together. */
interface TopTotals extends Throughput {
  readonly tunnels: number;
  /** Flows that are not over, and how many of them wait for a bastion. */
  readonly flows: number;
  readonly held: number;
  /** Since the start of each. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly failures: number;
}

/** What was found of one tunnel. */
export interface TunnelLook extends Throughput {
  readonly view: TunnelView;
  readonly flows: readonly MovingFlow[];
  /** The latest first. */
  readonly endings: readonly FlowEnding[];
}

/** Destinations that are named for one cause. */
const MAX_DESTINATIONS = 20;

/** Makes the document of a look. */
export function topDocument(
  { health, silent, down }: Omit<TunnelsNow, 'tunnels' | 'over'>,
  looks: readonly TunnelLook[],
  atMs: number,
): TopDocument {
  const tunnels = looks.map(({ view, upBytesPerSec, downBytesPerSec }) => {
    const mark = markOf(view.health, { hasUnicode: true });
    return { ...view, mark, word: wordFor(view), upBytesPerSec, downBytesPerSec };
  });
  const flows = looks.flatMap((look) => look.flows.map((flow) => ({ tunnel: look.view.name, ...flow })));
  const failures = looks.flatMap(failuresOf);
  return {
    atMs,
    health,
    totals: totalsOf(tunnels, failures),
    tunnels,
    flows: flows.sort((one, other) => rateOf(other) - rateOf(one) || movedBy(other) - movedBy(one)),
    failures: failures.sort((one, other) => other.lastAtMs - one.lastAtMs),
    silent,
    down,
  };
}

/** The flows that move most alone: all others are in its totals. */
export function withFlows(document: TopDocument, most: number): TopDocument {
  return { ...document, flows: document.flows.slice(0, most) };
}

function failuresOf({ view, endings }: TunnelLook): readonly TopFailure[] {
  return (view.status?.failures ?? []).map(({ advice, ...failure }) => ({
    tunnel: view.name,
    ...failure,
    // A tunnel of a later version may have others.
    what: (FAILURE_WORDS as Readonly<Record<string, string>>)[failure.cause] ?? failure.cause,
    remedy: advice,
    destinations: destinationsOf(failure.cause, endings),
  }));
}

function destinationsOf(cause: FailureCause, endings: readonly FlowEnding[]): readonly FailedDestination[] {
  const found = new Map<string, FailedDestination>();
  for (const ending of endings) {
    if (ending.cause !== cause) continue;
    const { destination, endedAtMs: lastAtMs, why } = ending;
    const known = found.get(destination) ?? { destination, count: 0, lastAtMs, why };
    found.set(destination, { ...known, count: known.count + 1 });
  }
  return [...found.values()].slice(0, MAX_DESTINATIONS);
}

function totalsOf(tunnels: readonly TopTunnel[], failures: readonly TopFailure[]): TopTotals {
  const sum = (read: (tunnel: TopTunnel) => number | undefined): number =>
    tunnels.reduce((total, tunnel) => total + (read(tunnel) ?? 0), 0);
  return {
    tunnels: tunnels.length,
    flows: sum(({ status }) => status?.flows.now),
    held: sum(({ status }) => status?.flows.held),
    bytesUp: sum(({ status }) => status?.bytesUp),
    bytesDown: sum(({ status }) => status?.bytesDown),
    upBytesPerSec: sum(({ upBytesPerSec }) => upBytesPerSec),
    downBytesPerSec: sum(({ downBytesPerSec }) => downBytesPerSec),
    failures: failures.reduce((total, { count }) => total + count, 0),
  };
}

function rateOf({ upBytesPerSec, downBytesPerSec }: Throughput): number {
  return upBytesPerSec + downBytesPerSec;
}

function movedBy({ bytesUp, bytesDown }: TopFlow): number {
  return bytesUp + bytesDown;
}

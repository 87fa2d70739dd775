import type { ErrorCode, TshuttleError } from '../../core/errors.ts';
import type { SyntheticNamesStatus } from '../../dns/names/synthetic-names.ts';
import type { CaptureProblem } from '../../ingress/capture-check/capture-problem.ts';
import type { FlowProgress } from '../../net/flow.ts';
import { isPostQuantum, type NegotiatedAlgorithms } from '../../ssh/agreement.ts';
import type { FlowEnd } from '../../ssh/transport.ts';
import type { TunnelState } from './state.ts';

/** All that is shown of a tunnel: plain data, for JSON. Times are ms since 1970. */
export interface TunnelStatus {
  readonly state: TunnelState;
  /** For people: `user@bastion (203.0.113.7:22)`. */
  readonly bastion: string;
  /** Where there are several: each, in the order in which they are tried. */
  readonly bastions?: readonly BastionStanding[];
  /** `203.0.113.7:22`: what leads to the bastion, and is never captured. Left out by versions of before. */
  readonly exempt?: readonly string[];
  /** What the connection to the bastion has agreed on; null without one, and where the user's own ssh knows. */
  readonly algorithms: (NegotiatedAlgorithms & { readonly isPostQuantum: boolean }) | null;
  /** What the way to the bastion and back took last; null where that is not measured. */
  readonly roundTripMs: number | null;
  /** `now` has the held ones among them; `total` is since the start, and `opened` those of them that were ever open. */
  readonly flows: {
    readonly now: number;
    readonly held: number;
    readonly total: number;
    readonly opened: number;
  };
  /** What could not be carried since the start, by cause, the most frequent first; only causes that there were. */
  readonly failures: readonly FailureCount[];
  /** Since the start, those of open flows among them. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Names in zones, for which addresses of ours stand; null where there are none. */
  readonly names: SyntheticNamesStatus | null;
  /** Datagrams that are relayed, with --udp relay; null where none are. Left out by versions of before. */
  readonly udp?: UdpCounts | null;
  /** How often the connection was lost and made again. */
  readonly reconnects: number;
  /** Since when the bastion cannot be reached; null while it is connected, or has only hung up because nothing was carried. Left out by versions of before. */
  readonly lostSinceMs?: number | null;
  /** Why connections that should be captured do not arrive, as of the last time that it was tried; empty when all is well. */
  readonly captureProblems: readonly CaptureProblem[];
  /** What went wrong last, also when it is over. */
  readonly lastError: ShownError | null;
  /** What the user can do now; null when there is nothing to do. */
  readonly advice: string | null;
}

/** Datagrams that are relayed: exchanges now, and datagrams since the start, `sent` to the bastion; plain data. */
export interface UdpCounts {
  readonly flows: number;
  readonly sent: number;
  readonly received: number;
  readonly dropped: number;
}

/** One of several bastions; plain data. */
export interface BastionStanding {
  /** `user@host`, as it was asked for. */
  readonly bastion: string;
  readonly isUsed: boolean;
  /** Why it was not connected to last; null where it was, or was not tried. */
  readonly lastError: string | null;
}

/** Why connections are not carried: a fixed set, which metrics have as a label. */
export const FAILURE_CAUSES = [
  /** By the destination. */
  'refused',
  /** By the bastion's configuration. */
  'prohibited',
  'unknown-name',
  /** From the bastion, or no answer in time. */
  'unreachable',
  /** With the connection to the bastion, or there was none in time. */
  'bastion-lost',
  /** This process has none left. */
  'own-descriptors',
  'bastion-descriptors',
  'other',
] as const;

/** One of {@link FAILURE_CAUSES}. */
export type FailureCause = (typeof FAILURE_CAUSES)[number];

/** What could not be carried for one cause. */
export interface FailureCount {
  readonly cause: FailureCause;
  readonly count: number;
  readonly lastAtMs: number;
  /** Null where it is not known. */
  readonly lastDestination: string | null;
  /** The remedy; null when there is nothing to do. */
  readonly advice: string | null;
}

/** Whether a tunnel has not carried a single connection, although some came: it is up, and of no use. */
export function failsAll({ flows, failures }: Pick<TunnelStatus, 'flows' | 'failures'>): boolean {
  return flows.opened === 0 && failures.length > 0;
}

/** A failure as it is shown. */
export interface ShownError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string | null;
  readonly atMs: number;
}

/** What was agreed on, as it is shown. */
export function showAlgorithms(algorithms: NegotiatedAlgorithms | undefined): TunnelStatus['algorithms'] {
  if (algorithms === undefined) return null;
  return { ...algorithms, isPostQuantum: isPostQuantum(algorithms.keyExchange) };
}

/** A failure of now. */
export function showError({ code, message, remedy }: TshuttleError): ShownError {
  return { code, message, remedy: remedy ?? null, atMs: Date.now() };
}

/** What went wrong last of two things that go wrong by themselves. */
export function latestOf(one: ShownError | undefined, other: ShownError | undefined): ShownError | null {
  if (one === undefined || other === undefined) return one ?? other ?? null;
  return one.atMs > other.atMs ? one : other;
}

/** What the user can do; null where there is nothing to do but to wait. */
export function adviceFor(
  state: TunnelState,
  lastError: ShownError | null,
  counts: Pick<TunnelStatus, 'flows' | 'failures'>,
): string | null {
  if (state.kind === 'up') return failsAll(counts) ? (counts.failures[0]?.advice ?? null) : null;
  if (state.kind !== 'waiting' || state.for.kind !== 'user') return lastError?.remedy ?? null;
  if (state.for.why === 'would ask') return 'log in: the bastion asks each time';
  return `log in, after this: ${lastError?.remedy ?? 'see what the bastion wants'}`;
}

/** One flow that is not over; plain data. */
export interface FlowInfo {
  /** `10.0.0.8:5432`, `db.internal:5432`. */
  readonly destination: string;
  /** What stands for the destination's name, where that is a synthetic address. */
  readonly address: string | null;
  readonly originator: string;
  /** What the application connected to, as its socket has it; null where that is no TCP. Left out by versions of before. */
  readonly called?: string | null;
  /** How long the bastion took to open it; null while it is not open. Left out by versions of before. */
  readonly openingMs?: number | null;
  readonly ageMs: number;
  readonly stage: FlowProgress['stage'];
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** How a flow has ended; plain data. */
export interface FlowEnding
  extends Pick<FlowInfo, 'destination' | 'address' | 'originator' | 'bytesUp' | 'bytesDown'> {
  readonly endedAtMs: number;
  readonly durationMs: number;
  readonly end: FlowEnd['kind'];
  /** Null where it was carried, also where it was broken off then. Left out by versions of before. */
  readonly cause?: FailureCause | null;
  /** For people. */
  readonly why: string;
}

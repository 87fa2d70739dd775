import type { ErrorCode, TshuttleError } from '../core/errors.ts';
import type { FlowEnd, FlowProgress } from '../ssh/transport.ts';
import type { TunnelState } from './state.ts';

/** All that is shown of a tunnel: plain data, for JSON. Times are ms since 1970. */
export interface TunnelStatus {
  readonly state: TunnelState;
  /** For people: `user@bastion (203.0.113.7:22)`. */
  readonly bastion: string;
  /** What the way to the bastion and back took last; null where that is not measured. */
  readonly roundTripMs: number | null;
  /** `now` has the held ones among them; `total` is since the start. */
  readonly flows: { readonly now: number; readonly held: number; readonly total: number };
  /** Since the start, those of open flows among them. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** How often the connection was lost and made again. */
  readonly reconnects: number;
  /** What went wrong last, also when it is over. */
  readonly lastError: ShownError | null;
  /** What the user can do now; null when there is nothing to do. */
  readonly advice: string | null;
}

/** A failure as it is shown. */
export interface ShownError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string | null;
  readonly atMs: number;
}

/** A failure of now. */
export function showError({ code, message, remedy }: TshuttleError): ShownError {
  return { code, message, remedy: remedy ?? null, atMs: Date.now() };
}

/** What the user can do; null where there is nothing to do but to wait. */
export function adviceFor(state: TunnelState, lastError: ShownError | null): string | null {
  if (state.kind === 'up') return null;
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
  /** For people. */
  readonly why: string;
}

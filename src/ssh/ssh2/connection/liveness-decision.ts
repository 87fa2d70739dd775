import type { KeepalivePolicy } from '../../ssh-target.ts';

/** A sample of a connection's TCP socket. The byte counts only grow. */
export interface LivenessSample {
  /** Bytes received from the bastion. */
  readonly receivedBytes: number;
  /** Bytes that the bastion's TCP has acknowledged, as far as the system tells. */
  readonly deliveredBytes: number;
  /** Bytes written and not delivered yet. */
  readonly backlogBytes: number;
}

/** State from one tick to the next. */
export interface LivenessState {
  readonly sample: LivenessSample;
  /** Intervals in a row without a sign of life. */
  readonly silentIntervals: number;
  /** Intervals in a row in which uploading was the only sign of life. */
  readonly uploadOnlyIntervals: number;
}

/** What to do after an interval. */
export type LivenessVerdict = 'alive' | 'ping' | 'dead';

/** A ping and its answer are under 200 bytes; a backlog above this is an upload. */
const UPLOAD_BACKLOG_BYTES = 4096;

/**
 * How many times the usual patience an upload may go on with nothing coming back. A bastion that only acknowledges is
 * not alive for ever: it may be stopped behind a proxy.
 */
const UPLOAD_PATIENCE = 20;

/** The state at the start of a connection. */
export function startLiveness(sample: LivenessSample): LivenessState {
  return { sample, silentIntervals: 0, uploadOnlyIntervals: 0 };
}

/**
 * Judges one interval.
 *
 * Any received byte is life. On a busy uplink a ping waits behind the upload, so an upload that gets through is life too:
 * delivered bytes grew, and there was more in the queue than our own pings. The bastion is dead after `countMax`
 * intervals without either; but never before one ping had an interval to be answered in.
 */
export function judgeInterval(
  before: LivenessState,
  sample: LivenessSample,
  policy: Pick<KeepalivePolicy, 'countMax'>,
): { readonly state: LivenessState; readonly verdict: LivenessVerdict } {
  if (sample.receivedBytes > before.sample.receivedBytes) {
    return { state: startLiveness(sample), verdict: 'alive' };
  }
  const countMax = Math.max(2, policy.countMax);
  const uploadOnlyIntervals = before.uploadOnlyIntervals + 1;
  const uploads =
    before.sample.backlogBytes > UPLOAD_BACKLOG_BYTES &&
    sample.deliveredBytes > before.sample.deliveredBytes &&
    uploadOnlyIntervals < countMax * UPLOAD_PATIENCE;
  if (uploads) {
    const verdict = before.silentIntervals === 0 && before.uploadOnlyIntervals === 0 ? 'ping' : 'alive';
    return { state: { sample, silentIntervals: 0, uploadOnlyIntervals }, verdict };
  }
  const silentIntervals = before.silentIntervals + 1;
  const state = { sample, silentIntervals, uploadOnlyIntervals: before.uploadOnlyIntervals };
  return { state, verdict: silentIntervals >= countMax ? 'dead' : 'ping' };
}

/**
 * Whether something has come from the bastion since `before`, when it was asked and all that had arrived was read. Its TCP's acknowledgements count, which show
 * that the way is open; where the system does not tell of them, an upload that gets on does, as its ping waits behind it.
 */
export function isSignOfLife(
  before: LivenessSample,
  after: LivenessSample,
  knowsAcknowledgements: boolean,
): boolean {
  if (after.receivedBytes > before.receivedBytes) return true;
  const tells = knowsAcknowledgements || before.backlogBytes > UPLOAD_BACKLOG_BYTES;
  return tells && after.deliveredBytes > before.deliveredBytes;
}

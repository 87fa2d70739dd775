import type { PathRound } from './path-monitor.ts';
import { WindowRule } from './window-rule.ts';

/** The queue that downloads may make, as a share of a round trip: every other flow waits behind it. */
const QUEUE_SHARE = 0.2;

/** A quarter of a packet: on average, what asks beside a download finds half of one under way. */
const SLACK_BYTES = 8 * 1024;

/** What the path cannot take by then is lost, and with drop-tail queues of a round trip 2.5 was too much. */
const BOUND_AT_START = 2;

/** Three packets; less would stop and go. */
const MIN_BUDGET_BYTES = 96 * 1024;

/** What a channel may receive before anything is known of it: most answers fit. */
const INITIAL_WINDOW_BYTES = 256 * 1024;
const MIN_INITIAL_WINDOW_BYTES = 64 * 1024;

/** A channel's share is never less than one packet. */
const MIN_SHARE_BYTES = 32 * 1024;

/** A round in which so much of the budget was used shows that the budget was the limit. */
const LIMITED_USE = 0.7;

/** A channel's window, as far as sharing is concerned. */
export interface Share {
  /** Ends a round trip; false when the channel is no longer active. */
  endRound(): boolean;
}

/** How much all channels of a connection may have under way to us, shared by those that are active. */
export class ReceiveBudget {
  readonly #rule = new WindowRule({
    queueShare: QUEUE_SHARE,
    slackBytes: SLACK_BYTES,
    initialBytes: INITIAL_WINDOW_BYTES,
    minBytes: MIN_BUDGET_BYTES,
    boundAtStart: BOUND_AT_START,
  });
  /** Channels that have received something lately. */
  readonly #active = new Set<Share>();
  #receivedInRoundBytes = 0;

  /** The share of one active channel. */
  shareBytes(): number {
    return Math.max(MIN_SHARE_BYTES, this.#rule.bytes / Math.max(1, this.#active.size));
  }

  /** The window that a new channel is opened with. */
  initialWindowBytes(): number {
    if (this.#rule.isStarting) return INITIAL_WINDOW_BYTES;
    const share = Math.floor(this.#rule.bytes / (this.#active.size + 1));
    return Math.min(INITIAL_WINDOW_BYTES, Math.max(MIN_INITIAL_WINDOW_BYTES, share));
  }

  /** Bytes arrived for a channel. */
  onReceived(share: Share, bytes: number): void {
    this.#receivedInRoundBytes += bytes;
    if (bytes > MIN_SHARE_BYTES / 2) this.#active.add(share);
  }

  /** A round trip's time has passed. */
  onRound(round: PathRound): void {
    const rateBytesPerMs = this.#receivedInRoundBytes / round.durationMs;
    this.#receivedInRoundBytes = 0;
    if (rateBytesPerMs * round.averageRoundTripMs >= LIMITED_USE * this.#rule.bytes) {
      this.#rule.onLimitedRound(round, rateBytesPerMs);
    }
    for (const share of this.#active) {
      if (!share.endRound()) this.#active.delete(share);
    }
  }

  /** A channel is over. */
  forget(share: Share): void {
    this.#active.delete(share);
  }
}

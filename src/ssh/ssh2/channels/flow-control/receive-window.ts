import type { ReceiveBudget, Share } from './receive-budget.ts';

/** Largest packet we take; OpenSSH sends no larger ones whatever we say. */
export const MAX_PACKET_BYTES = 32 * 1024;

/** A grant is worth a message when it is a quarter of the window, or this much. */
const LARGE_GRANT_BYTES = 1024 * 1024;

/**
 * The receive window of one channel (RFC 4254 section 5.2), pure: it counts, the channel acts.
 *
 * Its size is the channel's share of what the path needs, and at most twice what the application took in the last round
 * trip and an initial window: a stalled reader holds at most one window of ours, and a slow one a small one.
 */
export class ReceiveWindow implements Share {
  /** What the bastion was told when the channel was opened. */
  readonly initialBytes: number;
  readonly #budget: ReceiveBudget;
  #availableBytes: number;
  #receivedInRoundBytes = 0;
  #receivedInLastRoundBytes = 0;
  #activity = 0;

  constructor(budget: ReceiveBudget) {
    this.#budget = budget;
    this.initialBytes = budget.initialWindowBytes();
    this.#availableBytes = this.initialBytes;
  }

  /** Counts bytes that arrived; false when the sender overran its window. */
  received(bytes: number): boolean {
    if (bytes > this.#availableBytes) return false;
    this.#availableBytes -= bytes;
    this.#receivedInRoundBytes += bytes;
    this.#budget.onReceived(this, bytes);
    return true;
  }

  /** As {@link ReceiveWindow.received}, for what comes when nobody wants it any more: it takes no share of the budget. */
  receivedInVain(bytes: number): boolean {
    this.#availableBytes -= bytes;
    return this.#availableBytes >= 0;
  }

  /**
   * How many bytes to grant now, 0 for none.
   *
   * @param undeliveredBytes what the application has not taken yet
   */
  grant(undeliveredBytes: number): number {
    const recentBytes = Math.max(this.#receivedInRoundBytes, this.#receivedInLastRoundBytes);
    const wantedBytes = Math.min(this.#budget.shareBytes(), 2 * recentBytes + this.initialBytes);
    const bytes = Math.floor(wantedBytes - this.#availableBytes - undeliveredBytes);
    if (bytes < Math.min(wantedBytes / 4, LARGE_GRANT_BYTES)) return 0;
    this.#availableBytes += bytes;
    return bytes;
  }

  endRound(): boolean {
    const isBusy = this.#receivedInRoundBytes > MAX_PACKET_BYTES / 2;
    this.#activity = this.#activity / 2 + (isBusy ? 1 : 0);
    this.#receivedInLastRoundBytes = this.#receivedInRoundBytes;
    this.#receivedInRoundBytes = 0;
    return this.#activity >= 0.2;
  }
}

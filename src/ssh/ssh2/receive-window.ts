/** Bytes the bastion may have under way to us on one channel. */
export const RECEIVE_WINDOW_BYTES = 2 * 1024 * 1024;

/** Largest packet we take; OpenSSH sends no larger ones whatever we say. */
export const MAX_PACKET_BYTES = 32 * 1024;

/** Granting in steps of half a window costs few messages and never lets the sender run dry. */
const GRANT_STEP_BYTES = RECEIVE_WINDOW_BYTES / 2;

/**
 * The receive window of one channel (RFC 4254 section 5.2), pure: it counts, the channel acts.
 *
 * Bytes are granted again only when the application's socket has taken them, so a stalled reader holds at most one
 * window of ours.
 */
export class ReceiveWindow {
  #availableBytes = RECEIVE_WINDOW_BYTES;
  #undeliveredBytes = 0;
  #ungrantedBytes = 0;

  /** Counts bytes that arrived; false when the sender overran its window. */
  received(bytes: number): boolean {
    if (bytes > this.#availableBytes) return false;
    this.#availableBytes -= bytes;
    this.#undeliveredBytes += bytes;
    return true;
  }

  /** All that arrived is delivered; returns the bytes to grant now, 0 for none yet. */
  delivered(): number {
    this.#ungrantedBytes += this.#undeliveredBytes;
    this.#undeliveredBytes = 0;
    if (this.#ungrantedBytes < GRANT_STEP_BYTES) return 0;
    const granted = this.#ungrantedBytes;
    this.#availableBytes += granted;
    this.#ungrantedBytes = 0;
    return granted;
  }
}

/** How waiting has ended. */
export type WaitOutcome = 'released' | 'expired' | 'full' | 'rejected' | 'cancelled';

/** What {@link WaitQueue} is bounded by. */
export interface WaitLimits {
  readonly count: number;
  readonly timeMs: number;
}

interface Waiting {
  end(outcome: WaitOutcome): void;
}

/** What waits for a connection to the bastion: so many at most, and each no longer than so long. */
export class WaitQueue {
  readonly #limits: WaitLimits;
  readonly #onFirst: () => void;
  readonly #waiting = new Set<Waiting>();

  /** @param onFirst called when something waits and nothing did before */
  constructor(limits: WaitLimits, onFirst: () => void) {
    this.#limits = limits;
    this.#onFirst = onFirst;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Waits; never rejects.
   *
   * @param sinceMs `performance.now()` of when it began to wait, for what waits once more
   * @param signal cancels the wait
   */
  wait(sinceMs: number, signal?: AbortSignal): Promise<WaitOutcome> {
    const remainingMs = sinceMs + this.#limits.timeMs - performance.now();
    if (signal?.aborted === true) return Promise.resolve('cancelled');
    if (remainingMs <= 0) return Promise.resolve('expired');
    if (this.#waiting.size >= this.#limits.count) return Promise.resolve('full');
    return new Promise((resolve) => {
      const onAbort = (): void => waiting.end('cancelled');
      const timer = setTimeout(() => waiting.end('expired'), remainingMs);
      const waiting: Waiting = {
        end: (outcome) => {
          if (!this.#waiting.delete(waiting)) return;
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          resolve(outcome);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiting);
      if (this.#waiting.size === 1) this.#onFirst();
    });
  }

  /** Ends all waiting. */
  endAll(outcome: WaitOutcome): void {
    for (const waiting of [...this.#waiting]) waiting.end(outcome);
  }
}

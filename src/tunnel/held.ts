/** How waiting has ended. */
export type HeldOutcome = 'released' | 'expired' | 'full' | 'turned away' | 'given up';

/** What {@link Held} is bounded by. */
export interface HeldLimits {
  readonly count: number;
  readonly timeMs: number;
}

interface Waiting {
  end(outcome: HeldOutcome): void;
}

/** What waits for a connection to the bastion: so many at most, and each no longer than so long. */
export class Held {
  readonly #limits: HeldLimits;
  readonly #onFirst: () => void;
  readonly #waiting = new Set<Waiting>();

  /** @param onFirst called when something waits and nothing did before */
  constructor(limits: HeldLimits, onFirst: () => void) {
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
   * @param signal gives up
   */
  wait(sinceMs: number, signal?: AbortSignal): Promise<HeldOutcome> {
    const remainingMs = sinceMs + this.#limits.timeMs - performance.now();
    if (signal?.aborted === true) return Promise.resolve('given up');
    if (remainingMs <= 0) return Promise.resolve('expired');
    if (this.#waiting.size >= this.#limits.count) return Promise.resolve('full');
    return new Promise((resolve) => {
      const onAbort = (): void => waiting.end('given up');
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
  endAll(outcome: HeldOutcome): void {
    for (const waiting of [...this.#waiting]) waiting.end(outcome);
  }
}

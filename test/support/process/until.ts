import { setTimeout as delay } from 'node:timers/promises';

const POLL_INTERVAL_MS = 20;

/** How long {@link until} waits, and for what. */
export interface UntilOptions {
  readonly deadlineMs: number;
  /** The fact in words, for the failure; may show the latest state. */
  readonly what: string | (() => string);
}

/**
 * Waits for a fact: asks again and again until `fact` gives something other than `undefined` or `false`.
 *
 * An exception thrown by `fact` ends the wait: it is a failure, not "not yet".
 *
 * @returns what `fact` gave.
 * @throws Error when the deadline has passed.
 */
export async function until<T>(
  fact: () => T | undefined | false | Promise<T | undefined | false>,
  options: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + options.deadlineMs;
  for (;;) {
    const found = await fact();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) {
      const what = typeof options.what === 'string' ? options.what : options.what();
      throw new Error(`not within ${options.deadlineMs} ms: ${what}`);
    }
    await delay(POLL_INTERVAL_MS);
  }
}

import type { Logger } from '../core/log.ts';

/** What goes on for long is told again, but not with every query. */
const AGAIN_AFTER_MS = 10 * 60_000;

/** Tells that something is full, so that queries are given up: once in ten minutes for each thing, with how many there were meanwhile. */
export class Overload {
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #told = new Map<string, { readonly atMs: number; since: number }>();

  constructor(logger: Logger, nowMs: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  /** One more was given up. @param what one of few texts: what is full, and what becomes of the rest */
  tell(what: string): void {
    const told = this.#told.get(what);
    const nowMs = this.#nowMs();
    if (told !== undefined && nowMs - told.atMs < AGAIN_AFTER_MS) {
      told.since += 1;
      return;
    }
    this.#told.set(what, { atMs: nowMs, since: 0 });
    const more =
      told === undefined || told.since === 0 ? '' : `; so were ${told.since} more since it was last said`;
    this.#logger.warn(`DNS: ${what}${more}; a program of this machine asks too much, or nobody answers`);
  }
}

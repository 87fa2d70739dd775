import type { Logger } from '../core/log.ts';

/** A state that lasts is reported again, but not with every query. */
const AGAIN_AFTER_MS = 10 * 60_000;

/** Reports that something is full, so that queries are dropped: once in ten minutes for each thing, with how many there were meanwhile. */
export class Overload {
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #reported = new Map<string, { readonly atMs: number; since: number }>();

  constructor(logger: Logger, nowMs: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  /** One more query was dropped. @param what one of few texts: what is full, and what becomes of the rest */
  report(what: string): void {
    const last = this.#reported.get(what);
    const nowMs = this.#nowMs();
    if (last !== undefined && nowMs - last.atMs < AGAIN_AFTER_MS) {
      last.since += 1;
      return;
    }
    this.#reported.set(what, { atMs: nowMs, since: 0 });
    const more =
      last === undefined || last.since === 0 ? '' : `; so were ${last.since} more since it was last said`;
    this.#logger.warn(`DNS: ${what}${more}; a program of this machine asks too much, or nobody answers`);
  }
}

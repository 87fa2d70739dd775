import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { oneAtATime } from '../../core/one-at-a-time.ts';
import type { CaptureProblem } from '../../ingress/capture-check/capture-problem.ts';
import type { RedirectIngress } from '../../ingress/redirect-ingress.ts';

/** What follows changes of this machine, and may fail to; it tells the log of that. */
export interface FollowingPart {
  readonly problems: readonly CaptureProblem[];
  /** Does once more what has failed. Never rejects. */
  tryAgain(recapture: () => Promise<void>): Promise<void>;
}

/**
 * Knows whether what is captured arrives, as of the last time that it was tried, and what else is wrong with the capture; tells each problem
 * that it finds once.
 */
export class CaptureWatch {
  /** Tries it now, after what has failed so far: bounded, at most two seconds where it does not arrive. Never rejects. */
  readonly check: () => Promise<void>;
  readonly #ingress: WatchedIngress;
  readonly #parts: readonly FollowingPart[];
  readonly #recapture: () => Promise<void>;
  readonly #logger: Logger;
  #isStopped = false;
  #found: readonly CaptureProblem[] = [];

  /** @param recapture sets the rules anew */
  constructor(
    ingress: WatchedIngress,
    parts: readonly FollowingPart[],
    recapture: () => Promise<void>,
    logger: Logger,
  ) {
    this.#ingress = ingress;
    this.#parts = parts;
    this.#recapture = recapture;
    this.#logger = logger;
    this.check = oneAtATime(async () => {
      if (this.#isStopped) return;
      for (const part of parts) await part.tryAgain(recapture);
      this.#onFound(await ingress.check(recapture));
    });
  }

  get problems(): readonly CaptureProblem[] {
    return [...this.#found, ...[this.#ingress, ...this.#parts].flatMap(({ problems }) => problems)];
  }

  /** The way to everywhere may be another one, and there may be IPv6 by now. Never rejects. */
  async networkChanged(): Promise<void> {
    if (this.#isStopped) return;
    try {
      if (await this.#ingress.addFamilies()) {
        await this.#recapture();
        this.#logger.info('this machine has IPv6 by now, which is captured from now on');
      }
    } catch (error) {
      this.#logger.warn(`IPv6, which this machine has by now, is not captured: ${messageOf(error)}`);
    }
    await this.check();
  }

  /** What is found out from now on is of no interest: the rules go. */
  stop(): void {
    this.#isStopped = true;
  }

  #onFound(problems: readonly CaptureProblem[]): void {
    if (this.#isStopped) return;
    const before = this.#found;
    this.#found = problems;
    for (const { what, remedy } of problems) {
      if (!before.some((one) => one.what === what)) this.#logger.warn(`${what} -> ${remedy}`);
    }
    for (const { what } of before) {
      if (!problems.some((one) => one.what === what)) this.#logger.warn(`it is so no longer: ${what}`);
    }
  }
}

type WatchedIngress = Pick<RedirectIngress, 'check' | 'addFamilies' | 'problems'>;

import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { type ShownError, showError } from '../status/status.ts';

/** What becomes of new flows while the bastion is lost; `exit` ends the tunnel with the connection. */
export type OnDown = 'hold' | 'reject' | 'direct' | 'exit';

/** Says when the bastion is lost, found again or not, and remembers of that what is shown. */
export class Outages {
  readonly #onDown: OnDown;
  readonly #logger: Logger;
  #reconnects = 0;
  #lastError: ShownError | undefined;
  #lostAtMs: number | undefined;
  #lostSinceMs: number | undefined;

  constructor(onDown: OnDown, logger: Logger) {
    this.#onDown = onDown;
    this.#logger = logger;
  }

  /** How often it was connected again. */
  get reconnects(): number {
    return this.#reconnects;
  }

  get lastError(): ShownError | undefined {
    return this.#lastError;
  }

  /** Whether the bastion cannot be reached: not where it has only hung up because there was nothing to carry. */
  get isDown(): boolean {
    return this.#lostAtMs !== undefined;
  }

  /** Since when it cannot be reached, in ms since 1970; undefined while {@link isDown} is false. */
  get lostSinceMs(): number | undefined {
    return this.isDown ? this.#lostSinceMs : undefined;
  }

  hungUp({ message }: TshuttleError): void {
    this.#logger.info(`${message}; nothing was carried, and the next flow has it connected again`);
  }

  lost(error: TshuttleError): void {
    this.#lastError = showError(error);
    this.#down();
    if (this.#onDown === 'exit') return; // the caller reports why the tunnel has ended
    this.#logger.warn(`${error.message}; ${OUTAGE_BEHAVIOUR[this.#onDown]} until it is connected again`);
  }

  /** @param waiting how many have waited for it */
  connected(description: string, waiting: number): void {
    this.#reconnects += 1;
    const onward =
      waiting === 0
        ? ''
        : `; ${waiting} held ${waiting === 1 ? 'connection continues' : 'connections continue'}`;
    if (this.#lostAtMs === undefined) this.#logger.info(`connected to ${description} again${onward}`);
    else {
      const afterS = ((performance.now() - this.#lostAtMs) / 1000).toFixed(1);
      this.#logger.warn(`connected to ${description} again after ${afterS} s${onward}`);
    }
    this.#lostAtMs = undefined;
  }

  failed(error: unknown, after: 'try again' | 'wait for the user'): void {
    if (!this.isDown) this.#down();
    const failure =
      error instanceof TshuttleError
        ? error
        : new TshuttleError('ERR_INTERNAL', messageOf(error), { cause: error });
    this.#lastError = showError(failure);
    if (after === 'try again') {
      this.#logger.info(`not connected: ${failure.message}`);
      return;
    }
    const remedy = failure.remedy === undefined ? '' : ` (${failure.remedy})`;
    this.#logger.warn(`${failure.message}${remedy}; it is not tried again before you log in`);
  }

  #down(): void {
    this.#lostAtMs = performance.now();
    this.#lostSinceMs = Date.now();
  }
}

/** What becomes of new flows, for people. */
const OUTAGE_BEHAVIOUR: Readonly<Record<Exclude<OnDown, 'exit'>, string>> = {
  hold: 'new connections are held',
  reject: 'new connections are reset',
  direct: 'nothing is captured',
};

import { afterFailure, isCutOffLogin, nextAttemptDelayMs } from './attempt-decision.ts';

/** A connection that lasted for so long was a success: the next attempt is made soon. */
const LASTED_MS = 1_000;

/** What happened so lately belongs to the network as it is now. */
const FRESH_MS = 1_000;

/** What came of the attempts to connect so far: the time of the next one depends on it. */
export class AttemptHistory {
  #failures = 0;
  /** Connections in a row that were lost as soon as they stood. */
  #shortLived = 0;
  #cutOffLogins = 0;
  /** When the last attempt began, or the connection was lost. */
  #lastEventMs = 0;

  /** Whether the last event is so late that it belongs to the network as it is now. */
  get isFresh(): boolean {
    return performance.now() - this.#lastEventMs < FRESH_MS;
  }

  began(): void {
    this.#lastEventMs = performance.now();
  }

  connected(): void {
    this.#cutOffLogins = 0;
  }

  /** @param sinceMs when that connection stood, by `performance.now()` */
  lost(sinceMs: number): void {
    this.#lastEventMs = performance.now();
    this.#shortLived = this.#lastEventMs - sinceMs >= LASTED_MS ? 0 : this.#shortLived + 1;
    this.#failures = 0;
  }

  /** @returns what the failure asks for */
  failed(error: unknown): 'try again' | 'wait for the user' {
    const after = afterFailure(error, this.#cutOffLogins);
    this.#cutOffLogins = isCutOffLogin(error) ? this.#cutOffLogins + 1 : 0;
    this.#failures += 1;
    return after;
  }

  networkChanged(): void {
    this.#failures = 0;
  }

  /** Attempts begin anew, the quick ones first. */
  startOver(): void {
    this.#failures = 0;
    this.#cutOffLogins = 0;
  }

  /** How long to wait before the next attempt, in ms. */
  nextDelayMs(isWanted: boolean): number {
    return nextAttemptDelayMs({
      failures: this.#failures + this.#shortLived,
      isWanted,
      elapsedMs: performance.now() - this.#lastEventMs,
      random: Math.random(),
    });
  }
}

import { deferred } from '../core/deferred.ts';

/** The one place where it is decided that the command ends, and with which exit code. The first request counts. */
export class Stop {
  readonly #controller = new AbortController();
  readonly #requested = deferred<number>();

  /** Aborts when the end is requested. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves with the exit code when the end is requested. */
  get requested(): Promise<number> {
    return this.#requested.promise;
  }

  /** Requests the end. Later requests change nothing. */
  request(exitCode: number): void {
    if (this.signal.aborted) return;
    this.#requested.resolve(exitCode);
    this.#controller.abort();
  }
}

import { deferred } from '../core/deferred.ts';

/** The one place where it is decided that the command ends, and with which exit code. The first request counts. */
export class Stop {
  readonly #controller = new AbortController();
  readonly #requested = deferred<number>();
  #failure: unknown;

  /** Aborts when the end is requested. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves with the exit code when the end is requested. */
  get requested(): Promise<number> {
    return this.#requested.promise;
  }

  /** What went wrong, where that is why the end was requested; undefined: somebody wants it. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Requests the end. Later requests change nothing. @param failure as of {@link Stop.failure} */
  request(exitCode: number, failure?: unknown): void {
    if (this.signal.aborted) return;
    this.#failure = failure;
    this.#requested.resolve(exitCode);
    this.#controller.abort();
  }
}

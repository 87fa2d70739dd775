/**
 * Releases what was acquired, in reverse order, once.
 *
 * Every release runs even when an earlier one failed; the failures are thrown together at the end. A release that is
 * pushed after {@link CleanupStack.release} has begun runs at once, so that nothing acquired late is left behind.
 */
export class CleanupStack {
  #releases: Array<() => void | Promise<void>> = [];
  #released: Promise<void> | undefined;

  /** Adds what undoes the acquisition just made. */
  push(release: () => void | Promise<void>): void {
    if (this.#released === undefined) {
      this.#releases.push(release);
      return;
    }
    this.#released = this.#released.then(release);
  }

  /**
   * Runs every release, the latest first. Idempotent: later calls wait for the first.
   *
   * @throws AggregateError with every failure, after all releases have run.
   */
  release(): Promise<void> {
    this.#released ??= this.#releaseAll();
    return this.#released;
  }

  /**
   * Releases after a failure, which is what counts.
   *
   * @param what went wrong, where the release fails, too
   * @returns what to throw: the failure, or an AggregateError with it first
   */
  async releaseAfter(error: unknown, what: string): Promise<unknown> {
    try {
      await this.release();
      return error;
    } catch (failure) {
      return new AggregateError([error, failure], what);
    }
  }

  async #releaseAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let release = this.#releases.pop(); release !== undefined; release = this.#releases.pop()) {
      try {
        await release();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'could not release everything');
  }
}

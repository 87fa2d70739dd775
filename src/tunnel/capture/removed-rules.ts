import { deferred } from '../../core/deferred.ts';
import type { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { RedirectContext } from '../../ingress/redirect.ts';
import type { OnDown } from '../bastion/outages.ts';
import { type ShownError, showError } from '../status/status.ts';

/** What other programs have done to the redirect rules of a tunnel. */
export class RemovedRules {
  readonly #lost = deferred<TshuttleError>();
  /** Only with `exit`: when they are gone for good. */
  readonly lost = this.#lost.promise;
  /** What was told last. */
  lastError: ShownError | undefined;
  readonly onRemoved: RedirectContext['onRemoved'];
  readonly #listeners = new Set<() => void>();

  constructor(onDown: OnDown, logger: Logger) {
    this.onRemoved = (state, removal) => {
      this.lastError = showError(removal);
      // The caller reports why the tunnel has ended.
      if (state === 'lost' && onDown === 'exit') this.#lost.resolve(removal);
      else logger.warn(`${removal.message} (${removal.remedy})`);
      for (const listener of this.#listeners) listener();
    };
  }

  /** Has `listener` called after each removal, and as often as `other` calls it. @returns what ends both */
  onChange(listener: () => void, other: (listener: () => void) => () => void): () => void {
    const endOther = other(listener);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      endOther();
    };
  }
}

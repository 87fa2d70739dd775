import type { Logger } from '../core/log.ts';

/** How long after the first flow of a loss others belong to it: the connections of a tunnel do not end at one moment. */
const GATHER_MS = 100;

/** Destinations that are named for a loss; -v has a line for every flow. */
const MAX_NAMED = 5;

/** Says of each loss of the bastion, in one line, which flows were reset with it. */
export class LostFlows {
  readonly #logger: Logger;
  /** How many flows of the present loss there were, by destination. */
  readonly #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Counts an open flow that was reset because the bastion was lost. */
  add(destination: string): void {
    this.#timer ??= setTimeout(() => this.tell(), GATHER_MS);
    this.#counts.set(destination, (this.#counts.get(destination) ?? 0) + 1);
  }

  /** Says at once what is still to be said, if anything: for a tunnel that ends with the loss. Idempotent. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#counts.size === 0) return;
    const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    // What had most of them comes first, and is named most surely.
    const destinations = [...this.#counts].sort(([, one], [, other]) => other - one);
    const named = destinations
      .slice(0, MAX_NAMED)
      .map(([destination, count]) => (count === 1 ? destination : `${destination} (${count})`));
    const others = destinations.slice(MAX_NAMED).reduce((sum, [, count]) => sum + count, 0);
    this.#counts.clear();
    const what = total === 1 ? 'one open connection was' : `${total} open connections were`;
    const more = others === 0 ? '' : ` and ${others} more`;
    this.#logger.warn(`with the bastion ${what} lost, and reset: ${named.join(', ')}${more}`);
  }
}

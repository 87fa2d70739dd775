import type { Logger } from '../../core/log.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import type { StrandedFate } from '../../net/sockets/redirected-connection.ts';

/** How long after the first flow of a loss others belong to it: the connections of a tunnel do not end at one moment. */
const GATHER_MS = 100;

/** Destinations that are named for a loss; -v has a line for every flow. */
const MAX_NAMED = 5;

/** Why open flows were lost that neither side had ended. */
export type LossCause = 'bastion' | 'redirect';

/** Says of each loss, in one line, which open flows were lost with it, and what their applications have seen. */
export class LostFlows {
  readonly #logger: Logger;
  readonly #cause: LossCause;
  /** How many flows of the present loss there were, by destination. */
  readonly #counts = new Map<string, number>();
  #ended = 0;
  #untold = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger, cause: LossCause) {
    this.#logger = logger;
    this.#cause = cause;
  }

  /** Counts an open flow that was lost. @param fate of the application's socket */
  add(destination: string, fate: StrandedFate = 'told'): void {
    this.#timer ??= setTimeout(() => this.report(), GATHER_MS);
    this.#counts.set(destination, (this.#counts.get(destination) ?? 0) + 1);
    if (fate === 'ended') this.#ended += 1;
    if (fate === 'not ours' || fate === 'unsupported') this.#untold += 1;
  }

  /** Says at once what is still to be said, if anything: for a tunnel that ends with the loss. Idempotent. */
  report(): void {
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
    const more = others === 0 ? '' : ` and ${others} more`;
    const reset = total > this.#ended + this.#untold ? ', and reset' : '';
    const lost = SENTENCES[this.#cause](total);
    this.#logger.warn(`${lost}${reset}: ${named.join(', ')}${more}${this.#notReached(total)}`);
    this.#counts.clear();
    this.#ended = 0;
    this.#untold = 0;
  }

  #notReached(total: number): string {
    const ended = this.#ended === 1 ? 'it' : 'them';
    const parts = [
      this.#ended === 0
        ? ''
        : `; ${countOf(this.#ended, total)} ended here, as no reset could reach ${ended}`,
      this.#untold === 0
        ? ''
        : `; ${countOf(this.#untold, total)} not told, and may wait: restart what used ${this.#untold === 1 ? 'it' : 'them'}`,
    ];
    return parts.join('');
  }
}

const SENTENCES: Readonly<Record<LossCause, (total: number) => string>> = {
  bastion: (total) =>
    `with the bastion ${total === 1 ? 'one open connection was' : `${total} open connections were`} lost`,
  redirect: (total) =>
    `the kernel no longer redirects ${total === 1 ? 'one open connection' : `${total} open connections`} (${systemWords().forgottenRedirects}, or its address gone)`,
};

/** `it was`, `all were`, `one was`, `3 were`. */
function countOf(count: number, total: number): string {
  if (count === total) return total === 1 ? 'it was' : 'all were';
  return count === 1 ? 'one was' : `${count} were`;
}

import { canonicalName } from '../../net/address/zone.ts';

/** Whether a name exists: `unclear` where no server said. */
export type NameFinding = 'known' | 'missing' | 'unclear';

/** Dependencies of {@link KnownNames}. */
export interface KnownNamesOptions {
  /** Asks whether there is such a name. Never rejects, and settles within seconds. */
  readonly ask: (name: string) => Promise<NameFinding>;
  /** Whether a name that nothing is known of is to be asked for: there may well be none. */
  readonly isDoubtful: (name: string) => boolean;
  readonly nowMs: () => number;
}

/** How long a name counts as missing: one that is made meanwhile is found after that. */
export const MISSING_FOR_MS = 60_000;

/** For how long a name that is there, or of which nobody says it, is not asked for again. */
const KNOWN_FOR_MS = 10 * 60_000;

/** Names that something is known of; then what was learned first is forgotten, and asked for again. */
const MAX_NAMES = 4_096;

/** Names that are asked for at once; others are taken to be there, as where nobody can be asked. */
const MAX_ASKING = 32;

interface Known {
  readonly finding: 'known' | 'missing';
  readonly untilMs: number;
}

/**
 * Which names there are where nobody here can look them up. A name counts as there until it is known to be missing: because it was asked
 * for, or because nobody could connect to it. One that was missing is asked for before it counts as there again.
 */
export class KnownNames {
  readonly #options: KnownNamesOptions;
  /** In the order in which it was learned. */
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<boolean>>();

  constructor(options: KnownNamesOptions) {
    this.#options = options;
  }

  /** Remembers what has become of a name. */
  learn(name: string, finding: 'known' | 'missing'): void {
    const canonical = canonicalName(name);
    const forMs = finding === 'missing' ? MISSING_FOR_MS : KNOWN_FOR_MS;
    this.#known.delete(canonical);
    this.#known.set(canonical, { finding, untilMs: this.#options.nowMs() + forMs });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_NAMES) return;
      this.#known.delete(oldest);
    }
  }

  /** Whether there is no such name, as far as that can be known. Never rejects. */
  async isMissing(name: string): Promise<boolean> {
    const canonical = canonicalName(name);
    const known = this.#known.get(canonical);
    if (known !== undefined && this.#options.nowMs() < known.untilMs) return known.finding === 'missing';
    const isDoubtful = known?.finding === 'missing' || this.#options.isDoubtful(canonical);
    return isDoubtful && (await this.#ask(canonical));
  }

  async #ask(name: string): Promise<boolean> {
    const asked = this.#asking.get(name);
    if (asked !== undefined) return await asked;
    if (this.#asking.size >= MAX_ASKING) return false;
    const asking = this.#options.ask(name).then((finding) => {
      this.#asking.delete(name);
      const isMissing = finding === 'missing';
      this.learn(name, isMissing ? 'missing' : 'known');
      return isMissing;
    });
    this.#asking.set(name, asking);
    return await asking;
  }
}

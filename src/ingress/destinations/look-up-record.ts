import type { Logger } from '../../core/log.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import type { LookUp } from '../../net/sockets/redirected-connection.ts';
import type { CaptureProblem } from '../capture-check/capture-problem.ts';

/** As many look-ups are remembered: what was before them tells nothing of now. */
const REMEMBERED = 64;

/**
 * From here on it is no accident that the kernel knows nothing: now and then a connection is over before it is asked about, or a program
 * looks which ports are open.
 */
const MANY_UNKNOWN = REMEMBERED / 4;

/** By what is remembered of one; 0: none yet. */
const KINDS = [undefined, 'found', 'unknown', 'ambiguous', 'refused'] as const satisfies readonly (
  | LookUp['kind']
  | undefined
)[];

const FOUND = KINDS.indexOf('found');

/**
 * Remembers what became of the last look-ups of where accepted connections were going to, and says what is wrong where they fail: then
 * the connection is reset, as no flow may go to a guess. One more that succeeds makes it forget the oldest.
 */
export class LookUpRecord {
  readonly #logger: Logger;
  readonly #platform: NodeJS.Platform;
  readonly #kinds = new Uint8Array(REMEMBERED);
  #next = 0;

  constructor(logger: Logger, platform: NodeJS.Platform = process.platform) {
    this.#logger = logger;
    this.#platform = platform;
  }

  /** For every flow. */
  found(): void {
    this.#remember(FOUND);
  }

  /** Tells the log what is wrong, once as long as it is. */
  failed(kind: Exclude<LookUp['kind'], 'found'>): void {
    const before = this.problem;
    this.#remember(KINDS.indexOf(kind));
    const { problem } = this;
    if (problem !== undefined && before === undefined)
      this.#logger.warn(`${problem.what} -> ${problem.remedy}`);
  }

  /** What is wrong with the last of them; undefined when nothing is. */
  get problem(): CaptureProblem | undefined {
    const counts = this.#counts();
    const system = systemWords(this.#platform);
    const reset = (count: number): string =>
      `${count} of the last ${counts.all} redirected connections ${count === 1 ? 'was' : 'were'} reset`;
    if (counts.refused > 0) {
      return {
        cause: 'look-ups',
        what: `${reset(counts.refused)}: the kernel does not tell where they were going to`,
        remedy: 'restart the tunnel; if it goes on, the log has what the system says: tshuttle report',
      };
    }
    if (counts.ambiguous > 0) {
      return {
        cause: 'look-ups',
        what: `${reset(counts.ambiguous)}: the kernel has more than one destination for them`,
        remedy:
          'nothing to do if it was once; else see which other program redirects connections to the same port',
      };
    }
    if (counts.unknown < MANY_UNKNOWN) return undefined;
    return {
      cause: 'look-ups',
      what: `${reset(counts.unknown)}: the kernel knows of no redirect of them (${system.forgottenRedirects}), or they were made to the port of tshuttle itself`,
      remedy: `find out what it is: ${system.whoForgetsRedirects}`,
    };
  }

  #remember(kind: number): void {
    this.#kinds[this.#next] = kind;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  #counts(): Readonly<Record<Exclude<LookUp['kind'], 'found'> | 'all', number>> {
    const counts = { unknown: 0, ambiguous: 0, refused: 0, all: 0 };
    for (const code of this.#kinds) {
      const kind = KINDS[code];
      if (kind === undefined) continue;
      counts.all += 1;
      if (kind !== 'found') counts[kind] += 1;
    }
    return counts;
  }
}

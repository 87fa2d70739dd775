import type { AlsoFrom } from '../intercept/rules/redirect-plan.ts';
import type { RuleFacts } from '../intercept/rules/rule-facts.ts';
import { formatTrafficSource, type TrafficSource } from '../net/address/traffic-source.ts';
import { NO_INTERFACES, type SourceInterfaces } from '../net/machine/source-interfaces.ts';
import type { CaptureProblem } from './capture-check/capture-problem.ts';
import { listOf } from './capture-check/capture-words.ts';
import { firewallProblems } from './capture-check/others-firewall.ts';
import type { Listening } from './listening.ts';

/** Whose connections are captured beside this machine's own, where they come in by now, and what is wrong there. */
export class CapturedOthers {
  readonly #sources: readonly TrafficSource[];
  readonly #listening: Pick<Listening, 'followOthers'>;
  #links = NO_INTERFACES.links;
  #problems: readonly CaptureProblem[] = [];

  constructor(sources: readonly TrafficSource[], listening: Pick<Listening, 'followOthers'>) {
    this.#sources = sources;
    this.#listening = listening;
  }

  /** For the plan; undefined where there is nobody else. */
  get alsoFrom(): AlsoFrom | undefined {
    return this.#sources.length === 0 ? undefined : { sources: this.#sources, links: this.#links };
  }

  /** See `RedirectIngress.followOthers`. */
  async follow({ addresses, leftOut, links }: SourceInterfaces): Promise<void> {
    this.#links = links;
    const refused = await this.#listening.followOthers(addresses);
    this.#problems = leftOut === 0 ? refused : [...refused, this.#tooMany(addresses.length, leftOut)];
  }

  /** @param look says what the rules of this machine tell; undefined where that cannot be found out */
  async check(look: () => Promise<RuleFacts | undefined>): Promise<readonly CaptureProblem[]> {
    if (this.#sources.length === 0) return [];
    const facts = await look();
    return [...this.#problems, ...(facts === undefined ? [] : firewallProblems(facts, this.#sources))];
  }
  #tooMany(used: number, leftOut: number): CaptureProblem {
    const from = listOf(this.#sources.map(formatTrafficSource));
    return {
      cause: 'others-listener',
      what: `the interfaces of ${from} have more than ${used} addresses: what comes in by ${leftOut} of them is not captured`,
      remedy: 'name fewer interfaces with --also-from',
    };
  }
}

import type { AlsoFrom } from '../intercept/rules/redirect-plan.ts';
import type { RuleFacts } from '../intercept/rules/rule-facts.ts';
import type { TrafficSource } from '../net/address/traffic-source.ts';
import { NO_INTERFACES, type SourceInterfaces } from '../net/machine/source-interfaces.ts';
import type { CaptureProblem } from './capture-problem.ts';
import type { Listening } from './listening.ts';
import { firewallProblems } from './others-firewall.ts';

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
  async follow({ addresses, links }: SourceInterfaces): Promise<void> {
    this.#links = links;
    this.#problems = await this.#listening.followOthers(addresses);
  }

  /** @param look says what the rules of this machine tell; undefined where that cannot be found out */
  async check(look: () => Promise<RuleFacts | undefined>): Promise<readonly CaptureProblem[]> {
    if (this.#sources.length === 0) return [];
    const facts = await look();
    return [...this.#problems, ...(facts === undefined ? [] : firewallProblems(facts, this.#sources))];
  }
}

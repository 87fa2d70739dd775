import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { Interceptor } from '../../intercept/interceptor.ts';
import { methodRow } from '../../intercept/rules/redirect-methods.ts';
import type { RedirectPlan } from '../../intercept/rules/redirect-plan.ts';
import type { RuleFacts } from '../../intercept/rules/rule-facts.ts';
import type { CaptureRule } from '../../net/address/capture-rule.ts';
import type { Cidr } from '../../net/address/cidr.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { rejectRoutes } from '../../net/machine/reject-routes.ts';
import type { CaptureProbe, ProbeResult } from './capture-probe.ts';
import { type CaptureProblem, captureProblems } from './capture-problem.ts';
import { type ProbeTarget, probeTargets } from './probe-targets.ts';

/** Whether what the rules should capture arrives here, and if not, why. */
export class CaptureCheck {
  readonly #interceptor: Pick<Interceptor, 'method' | 'look'>;
  readonly #probe: CaptureProbe;
  readonly #logger: Logger;
  #targets: (refused: readonly Cidr[]) => readonly ProbeTarget[] = () => [];
  #replies: RedirectPlan['replies'] = 'plain';

  constructor(interceptor: Pick<Interceptor, 'method' | 'look'>, probe: CaptureProbe, logger: Logger) {
    this.#interceptor = interceptor;
    this.#probe = probe;
    this.#logger = logger;
  }

  /** How replies have to look so that they arrive; found out by {@link CaptureCheck.run}. */
  get replies(): RedirectPlan['replies'] {
    return this.#replies;
  }

  /** Replaces the captured networks. */
  captures(rules: readonly CaptureRule[], exempt: readonly Endpoint[], families: readonly IpFamily[]): void {
    const usable = rules.filter(({ cidr }) => families.includes(cidr.family));
    this.#targets = (refused) => probeTargets(usable, exempt, refused);
  }

  /** From now on these alone are captured. */
  capturesOnly(targets: readonly ProbeTarget[]): void {
    this.#targets = () => targets;
  }

  /**
   * Tries it. Where rules of others drop the replies, it has ours disguise them and tries again. Never rejects.
   *
   * @param recapture sets the rules anew, with {@link CaptureCheck.replies}
   */
  async run(recapture: () => Promise<void>): Promise<readonly CaptureProblem[]> {
    const results = await this.#tryAll();
    if (
      !results.some(hasLostReplies) ||
      this.#replies === 'disguised' ||
      !methodRow(this.#interceptor.method).disguisesReplies
    ) {
      return await this.#explain(results);
    }
    this.#replies = 'disguised';
    try {
      await recapture();
    } catch (error) {
      this.#replies = 'plain';
      this.#logger.debug(`the rules cannot disguise replies here: ${messageOf(error)}`);
      // What is in force is what is wanted again.
      await recapture().catch(() => {});
      return await this.#explain(results);
    }
    const again = await this.#tryAll();
    if (!again.some(hasLostReplies)) {
      this.#logger.info(
        'a rule of another program, as wg-quick has, dropped the answers to redirected connections: ours go round it',
      );
    }
    return await this.#explain(again);
  }

  async #tryAll(): Promise<readonly ProbeResult[]> {
    return await this.#probe.run(this.#targets(await rejectRoutes()));
  }

  async #explain(results: readonly ProbeResult[]): Promise<readonly CaptureProblem[]> {
    const isForRules = results.some(
      ({ outcome }) => outcome.kind !== 'arrived' && outcome.kind !== 'refused by route',
    );
    return captureProblems(results, isForRules ? await this.look() : undefined);
  }

  /** What the rules of this machine tell; undefined where they cannot be looked at. Never rejects. */
  async look(): Promise<RuleFacts | undefined> {
    try {
      return await this.#interceptor.look();
    } catch (error) {
      this.#logger.debug(`the rules of this machine could not be looked at: ${messageOf(error)}`);
      return undefined;
    }
  }
}

function hasLostReplies({ outcome }: ProbeResult): boolean {
  return outcome.kind === 'silent' && outcome.reached;
}

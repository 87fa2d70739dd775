import { messageOf, TshuttleError } from '../core/errors.ts';
import type { Interceptor } from '../intercept/interceptor.ts';
import type { LeftUndone } from '../intercept/rules/left-undone.ts';
import type { RedirectPlan } from '../intercept/rules/redirect-plan.ts';
import type { CaptureProblem } from './capture-check/capture-problem.ts';

/** Applies plans, whoever wants it, and knows what of the latest is not done. */
export class AppliedPlans {
  readonly #interceptor: Pick<Interceptor, 'apply'>;
  #left: LeftUndone = { zones: [], udp: null };
  #refusal: string | undefined;

  constructor(interceptor: Pick<Interceptor, 'apply'>) {
    this.#interceptor = interceptor;
  }

  /** What is not done of the rules in force. */
  get left(): LeftUndone {
    return this.#left;
  }

  /** That the rules in force are not those that were wanted last; undefined when they are. */
  get problem(): CaptureProblem | undefined {
    if (this.#refusal === undefined) return undefined;
    return {
      cause: 'rules-refused',
      what: `${this.#refusal}: those from before are in force, and what has changed since has no effect`,
      remedy: 'see in the log what was to change; tshuttle doctor has it tried again',
    };
  }

  /** See {@link Interceptor.apply}. */
  async apply(plan: RedirectPlan): Promise<void> {
    try {
      this.#left = await this.#interceptor.apply(plan);
      this.#refusal = undefined;
    } catch (error) {
      // A helper that has ended is told by the tunnel's state.
      if (error instanceof TshuttleError && error.code === 'ERR_INTERCEPT_APPLY')
        this.#refusal = messageOf(error);
      throw error;
    }
  }
}

import type { Endpoint } from '../../net/endpoint.ts';
import type { RedirectPlan } from '../redirect-plan.ts';
import type { RuleFacts } from '../rule-facts.ts';

/** The system did not take the rules; what was in force before still is. The message is its own text. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** One way to hold the rules of one tunnel in the kernel. Calls come one at a time. */
export interface RuleBackend {
  /**
   * Resolves, never rejects, with the reason when the rules can no longer be vouched for although nobody asked for
   * their removal: the child process that holds them ended.
   */
  readonly lost: Promise<string>;
  /**
   * Replaces the whole state in one transaction per family. All plans have the same listener port.
   *
   * @throws RefusedError
   */
  apply(plan: RedirectPlan): Promise<void>;
  /**
   * Replaces the endpoints that are never captured; after {@link RuleBackend.apply} only.
   *
   * @throws RefusedError
   */
  setExempt(endpoints: readonly Endpoint[]): Promise<void>;
  /**
   * Looks at what rules there are, ours and others'; changes nothing. After {@link RuleBackend.apply} only.
   *
   * @throws RefusedError
   */
  look(): Promise<RuleFacts>;
  /**
   * Removes the rules. Idempotent; {@link RuleBackend.apply} may follow.
   *
   * @throws RefusedError
   */
  remove(): Promise<void>;
  /** Removes the rules and releases what held them. Idempotent. @throws RefusedError */
  close(): Promise<void>;
}

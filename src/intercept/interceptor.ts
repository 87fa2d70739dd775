import type { TshuttleError } from '../core/errors.ts';
import type { Endpoint } from '../net/address/endpoint.ts';
import type { IpFamily } from '../net/address/literal.ts';
import type { LookUp, RedirectedConnection, StrandedFate } from '../net/sockets/redirected-connection.ts';
import type { LeftUndone } from './rules/left-undone.ts';
import type { InterceptMethod } from './rules/redirect-methods.ts';
import type { RedirectPlan, RoutedNetwork } from './rules/redirect-plan.ts';
import type { RuleFacts } from './rules/rule-facts.ts';

/** Why nothing is captured although it should be. */
export interface RulesGone {
  /** In ms since 1970. */
  readonly sinceMs: number;
  /** The helper has ended, and the next one has not set them yet; or somebody else removes them, and they are not put back. */
  readonly cause: 'helper ended' | 'removed';
}

/**
 * Owns the redirect rules of one tunnel.
 *
 * Rules are set as a whole desired state; every call may be repeated. They are gone when {@link Interceptor.close} has
 * resolved, and within 2 s when our processes die in any other way (nft: the kernel removes the table; iptables and pf: the
 * helper undoes them when it sees our end, its guardian when the helper died too, and the next start or `tshuttle cleanup` when both did).
 */
export interface Interceptor {
  readonly method: InterceptMethod;
  /** The families that the method can redirect on this machine. */
  readonly families: readonly IpFamily[];
  /** Resolves, never rejects, when the rules can no longer be vouched for: the helper died or broke its protocol. */
  readonly lost: Promise<TshuttleError>;
  /**
   * Sets the rules. When it has resolved, a SYN to what the plan has exempt passes.
   *
   * @returns what of the plan is not done all the same
   * @throws TshuttleError ERR_INTERCEPT_APPLY when the system refused them; the state before is kept.
   */
  apply(plan: RedirectPlan): Promise<LeftUndone>;
  /**
   * Makes a route to an IPv4 network, which leads nowhere: for one that has none, so that connections there can be captured.
   * It goes with the helper. For up to 16 networks.
   *
   * @throws TshuttleError ERR_INTERCEPT_APPLY when the system refused it
   */
  addRoute(network: RoutedNetwork): Promise<void>;
  /**
   * Ends the applications' sockets of connections whose end at our listener is gone, where a reset has not reached them: see
   * {@link StrandedFate}. At most `MAX_STRANDED` at once; after the first {@link Interceptor.apply}.
   *
   * @returns one fate for each, in their order
   * @throws TshuttleError ERR_INTERCEPT_APPLY when the system lets nobody look
   */
  endStranded(connections: readonly RedirectedConnection[]): Promise<readonly StrandedFate[]>;
  /**
   * Where connections from these were going to that our listener has accepted, for a method whose kernel tells only root. At most
   * `MAX_LOOK_UPS` at once.
   *
   * @returns one for each, in their order
   * @throws TshuttleError ERR_ORIGINAL_DST when the kernel cannot be asked
   */
  lookUp(originators: readonly Endpoint[]): Promise<readonly LookUp[]>;
  /**
   * Makes listeners transparent, for a method whose accepted sockets tell by their own address where they were going to. Before the first
   * {@link Interceptor.apply} whose plan names their port.
   *
   * @param descriptors of this process, one for each family; they stay as they are also when the helper is started again
   * @throws TshuttleError ERR_LISTEN when the system refuses
   */
  makeTransparent(descriptors: readonly number[]): Promise<void>;
  /**
   * What the rules of this machine, ours and others', say about connections that should be redirected. After the first
   * {@link Interceptor.apply}.
   *
   * @throws TshuttleError ERR_INTERCEPT_APPLY when the system does not tell
   */
  look(): Promise<RuleFacts>;
  /**
   * Puts a process of this user's into a control group of its own, with all that it starts; once, before the first
   * {@link Interceptor.apply}. It is removed with the rules.
   *
   * @returns its path, which a plan can name
   * @throws TshuttleError ERR_INTERCEPT_APPLY when the system refused it
   */
  enclose(pid: number): Promise<string>;
  /** Removes the rules and ends the helper. Idempotent. */
  close(): Promise<void>;
}

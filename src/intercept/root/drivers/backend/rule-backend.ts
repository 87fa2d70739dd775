import type { Endpoint } from '../../../../net/address/endpoint.ts';
import type { RulesetMessages } from '../../../../net/native/netlink/ruleset-messages.ts';
import type {
  LookUp,
  RedirectedConnection,
  StrandedFate,
} from '../../../../net/sockets/redirected-connection.ts';
import type { OwnedPlan } from '../../../rules/redirect-plan.ts';
import type { LeftZone } from '../../../rules/resolver-files.ts';
import type { RuleFacts } from '../../../rules/rule-facts.ts';

/** The system did not take the rules; what was in force before still is. The message is its own text. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** Chains of ours in a table of the kernel's; `family` as in RULESET_FAMILIES. */
export interface RulePlace {
  readonly family: number;
  readonly table: string;
  /** Those whose rules lead connections to us. */
  readonly chains: readonly string[];
}

/**
 * Whether somebody else can remove the rules: `owned`, nobody can; else whether the kernel tells of it, and of which places: those of the
 * packet filter, where nothing else is opened.
 */
export type Exposure =
  | { readonly kind: 'owned' }
  | {
      readonly kind: 'announced';
      readonly places: readonly RulePlace[];
      readonly openMessages?: (onMessages: () => void) => RulesetMessages;
    }
  | { readonly kind: 'unannounced' };

/** One way to hold the rules of one tunnel in the kernel. Calls come one at a time. */
export interface RuleBackend {
  /**
   * Replaces the whole state in one transaction per family. All plans have the same listener port.
   *
   * @throws RefusedError
   */
  apply(plan: OwnedPlan): Promise<void>;
  /** After {@link RuleBackend.apply} only. */
  readonly exposure: Exposure;
  /** The zones of the plan in force that have no file of ours (resolver-files.ts). Left out: of a method that has no files. */
  readonly leftZones?: readonly LeftZone[];
  /** Why UDP leaves directly that the plan in force has refused, for people; undefined where none does. */
  readonly whyUdpLeaves?: string | undefined;
  /**
   * What of the rules is not in the kernel any more, for people; undefined when all are.
   *
   * @throws RefusedError when that cannot be told
   */
  missing(): Promise<string | undefined>;
  /**
   * Sets all rules anew, whatever there is of them.
   *
   * @throws RefusedError
   */
  putBack(): Promise<void>;
  /**
   * Looks at what rules there are, ours and others'; changes nothing. After {@link RuleBackend.apply} only.
   *
   * @throws RefusedError
   */
  look(): Promise<RuleFacts>;
  /**
   * Where connections from these were going to that the listener of the plan in force has accepted, one for each, in their order.
   * Undefined where the kernel tells everybody that. With `udp: 'relay'`, where datagrams were going to that come to the listener's port.
   *
   * @throws RefusedError when it cannot be asked
   */
  readonly lookUp?: (originators: readonly Endpoint[]) => Promise<readonly LookUp[]>;
  /**
   * Finds out what has become of applications whose connections, redirected by the plan in force, have ended here; one for each, in their
   * order. Left out where the kernel has sockets of its own to be asked for, and ended (stranded.ts).
   *
   * @throws RefusedError when it cannot be asked
   */
  readonly endStranded?: (connections: readonly RedirectedConnection[]) => Promise<readonly StrandedFate[]>;
  /**
   * Removes the rules. Idempotent; {@link RuleBackend.apply} may follow.
   *
   * @throws RefusedError
   */
  remove(): Promise<void>;
  /** Removes the rules and releases what held them. Idempotent. @throws RefusedError */
  close(): Promise<void>;
}

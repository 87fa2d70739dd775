import type { IpFamily } from '../../../../net/address/literal.ts';
import type { Candidate } from '../../../rules/redirect-methods.ts';
import type { ProbeFact } from '../../../rules/select.ts';
import type { RuleBackend } from './rule-backend.ts';

/**
 * What the root process does for one redirect method (rules/redirect-methods.ts says how one is added).
 *
 *     probe ──> open ──> RuleBackend: apply, missing, putBack, look, remove, close
 *     findTunnels        for `cleanup`, at each start, and when a helper was killed
 *
 * The plan comes checked from decode-request.ts; the driver renders it by rules/NAME and hands the text to the system. It takes
 * nothing else from the client, and trusts nothing that whoever is not root could have prepared: tools by `findTool` and `runTool`.
 * Rules are named by their {@link RuleOwner}, and tell which instance holds them (this-instance.ts), or a record does (pf-records.ts), so
 * that one that died is known.
 */
export interface MethodDriver<C extends Candidate = Candidate> {
  /** Asks the system whether it would take the rules of a candidate (sample-plan.ts); changes nothing. Never rejects. */
  probe(candidate: C, families: readonly IpFamily[]): Promise<ProbeFact>;
  /**
   * Opens a candidate that the probe found usable. No rule is set yet.
   *
   * @throws RefusedError when its tool has gone since
   */
  open(candidate: C): RuleBackend | Promise<RuleBackend>;
  /** What there is of tunnels of all users, of instances that live or have died, by whichever candidate. Never rejects. */
  findTunnels(): Promise<FoundTunnels>;
}

/** What a search for rules of ours found. */
export interface FoundTunnels {
  readonly tunnels: readonly FoundTunnel[];
  /** What could not be looked at, and why, for people. */
  readonly unread: readonly string[];
}

/** The rules of one tunnel in one place. */
export interface FoundTunnel {
  /** For people. */
  readonly name: string;
  /** Whether the helper that holds them still runs. */
  readonly holder: 'alive' | 'dead' | 'unknown';
  /** Removes them, unless another instance has replaced them meanwhile. @throws Error with the system's reason */
  remove(): Promise<void>;
}

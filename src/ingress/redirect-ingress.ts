import type { TshuttleError } from '../core/errors.ts';
import type { RulesGone } from '../intercept/interceptor.ts';
import type { InterceptMethod } from '../intercept/rules/redirect-methods.ts';
import type { DnsRedirect } from '../intercept/rules/redirect-plan.ts';
import type { ResolverFiles } from '../intercept/rules/resolver-files.ts';
import type { CaptureRule } from '../net/address/capture-rule.ts';
import type { Cidr } from '../net/address/cidr.ts';
import type { Endpoint } from '../net/address/endpoint.ts';
import type { IpFamily } from '../net/address/literal.ts';
import type { SourceInterfaces } from '../net/machine/source-interfaces.ts';
import type { RedirectedConnection, StrandedFate } from '../net/sockets/redirected-connection.ts';
import type { CaptureProblem } from './capture-check/capture-problem.ts';
import type { CapturedDatagrams, OnDatagram } from './datagrams/captured-datagrams.ts';

/** Queries that come to us: redirected, or, for zones that have files, because the system asks us by itself. */
interface CapturedQueries extends DnsRedirect {
  readonly resolverFiles?: ResolverFiles | undefined;
}

/** Flows that kernel rules redirect to listeners of ours. */
export interface RedirectIngress {
  readonly method: InterceptMethod | 'none';
  /** The families that can be captured. */
  readonly families: readonly IpFamily[];
  /** Resolves, never rejects, when the rules can no longer be vouched for. */
  readonly lost: Promise<TshuttleError>;
  /** Why nothing is captured although it should be; undefined as long as the rules are there. */
  readonly rulesGone: RulesGone | undefined;
  /**
   * Sets the rules: from now on connections arrive, and a SYN to what is exempt passes. Repeatable; the latest call decides.
   *
   * @throws TshuttleError ERR_INTERCEPT_APPLY when the system refused them
   */
  capture(rules: readonly CaptureRule[], exempt: readonly Endpoint[], dns?: CapturedQueries): Promise<void>;
  /** Whether connections to a network have a route, without which none can be captured. Never rejects. */
  hasRoute(network: Cidr): Promise<boolean>;
  /** Makes a route to an IPv4 network that has none, so that it can be captured. See {@link Interceptor.addRoute}. */
  addRoute(network: Cidr): Promise<void>;
  /** Ends the applications' sockets of flows that no reset has reached. See {@link Interceptor.endStranded}. */
  endStranded(connections: readonly RedirectedConnection[]): Promise<readonly StrandedFate[]>;
  /** What is wrong now beside what {@link RedirectIngress.check} finds out; the log has it, too. */
  readonly problems: readonly CaptureProblem[];
  /**
   * Tries whether what is captured arrives here, and again what was refused: by connections of our own, which are no flows. Never rejects.
   *
   * @param recapture calls {@link RedirectIngress.capture} again
   */
  check(recapture: () => Promise<void>): Promise<readonly CaptureProblem[]>;
  /** The datagrams that are redirected with `udp: 'relay'`. See {@link CapturedDatagrams.open}. The caller's to close. */
  datagrams(onDatagram: OnDatagram): Promise<CapturedDatagrams>;
  /** Accepts others' connections at these interfaces alone from now on, as {@link RedirectIngress.check} tells. One at a time. */
  followOthers(interfaces: SourceInterfaces): Promise<void>;
  /** Listens for a family that this machine did not have before. @returns whether there is one more to capture */
  addFamilies(): Promise<boolean>;
  /** Removes the rules, then stops listening. Idempotent. */
  close(): Promise<void>;
}

import type { Endpoint } from '../../net/address/endpoint.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import type { LookUp, RedirectedConnection, StrandedFate } from '../../net/sockets/redirected-connection.ts';
import type { LeftUndone } from '../rules/left-undone.ts';
import type { Candidate, WantedMethod } from '../rules/redirect-methods.ts';
import type { RedirectPlan, RoutedNetwork } from '../rules/redirect-plan.ts';
import type { RuleFacts } from '../rules/rule-facts.ts';
import type { ProbeFact } from '../rules/select.ts';

/**
 * What goes over the helper's stdin and stdout: one JSON object a line.
 *
 *     client  -> request with id             one at a time; the first may wait for a helper that does not run yet
 *     helper  -> hello                       once, as soon as it runs (sudo has its password then)
 *     helper  -> reply with the same id
 *     helper  -> rules                       unasked, when somebody else has removed them
 *
 * The client states intentions; no request can carry a command, a path or rule text. End of input, SIGTERM and anything
 * that is not in this grammar end the helper, which removes its rules first.
 */

/** Both sides must have the same; it changes with the grammar. */
export const PROTOCOL_VERSION = 19;

/** The largest plan (plan-limits.ts: 131,072 IPv6 intervals at 120 bytes) is just below it. */
export const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

/** Replies are short; the longest quotes the error text of a tool, which is cut to {@link MAX_REASON_CHARACTERS}. */
export const MAX_REPLY_BYTES = 64 * 1024;

/** An error text of nft names every bad element; its beginning says what is wrong. */
export const MAX_REASON_CHARACTERS = 2_000;

/** What the client may ask for. */
export type Request =
  /** Removes what instances that died have left, and says which of the candidates for `method` work here, up to the first that does. */
  | {
      readonly type: 'start';
      readonly id: number;
      readonly method: WantedMethod;
      readonly families: readonly IpFamily[];
    }
  /** Removes what instances that died have left. */
  | { readonly type: 'cleanup'; readonly id: number }
  /** Settles on a candidate; once. */
  | { readonly type: 'use'; readonly id: number; readonly candidate: Candidate }
  /** Sets the whole desired state. The listener port cannot change afterwards. */
  | { readonly type: 'apply'; readonly id: number; readonly plan: RedirectPlan }
  /**
   * Makes a route to an IPv4 network that has none: without one, no connection there could be captured. It goes with the
   * helper, and leads nowhere. Some times, for another network each.
   */
  | { readonly type: 'route'; readonly id: number; readonly network: RoutedNetwork }
  /**
   * Ends the applications' sockets of connections that were redirected to the listener and whose end there is gone. The helper
   * checks that (stranded.ts).
   */
  | {
      readonly type: 'end-stranded';
      readonly id: number;
      readonly connections: readonly RedirectedConnection[];
    }
  /**
   * Where connections from these were going to that our listener has accepted: for a method whose kernel tells only root. The listener
   * is the plan's, so that nothing else can be asked about.
   */
  | { readonly type: 'look-up'; readonly id: number; readonly originators: readonly Endpoint[] }
  /**
   * Puts a process of the caller's into a control group of its own, which goes with the helper; once. What it starts is in it, too, and
   * a plan can name it.
   */
  | { readonly type: 'enclose'; readonly id: number; readonly pid: number }
  /**
   * Makes listeners of the client transparent: TCP sockets that listen, at the port that its plans will name. By the client's own numbers
   * of their descriptors.
   */
  | { readonly type: 'transparent'; readonly id: number; readonly descriptors: readonly number[] }
  /** Looks for what keeps connections from being redirected: says which of what it knows is there. */
  | { readonly type: 'look'; readonly id: number };

/** What the helper says. */
export type Reply =
  | { readonly type: 'hello'; readonly version: number; readonly pid: number }
  | { readonly type: 'done'; readonly id: number }
  /** The plan is in force, but for what is left undone. */
  | { readonly type: 'applied'; readonly id: number; readonly left: LeftUndone }
  | {
      readonly type: 'started';
      readonly id: number;
      readonly report: CleanupReport;
      readonly facts: readonly ProbeFact[];
    }
  | { readonly type: 'cleaned'; readonly id: number; readonly report: CleanupReport }
  /** One for each connection of the request, in its order. */
  | { readonly type: 'stranded'; readonly id: number; readonly fates: readonly StrandedFate[] }
  /** One for each originator of the request, in their order. */
  | { readonly type: 'looked-up'; readonly id: number; readonly results: readonly LookUp[] }
  /** Its path from the root of cgroup2. */
  | { readonly type: 'enclosed'; readonly id: number; readonly cgroup: string }
  | { readonly type: 'looked'; readonly id: number; readonly facts: RuleFacts }
  /** The system refused; what was in force before still is. */
  | { readonly type: 'failed'; readonly id: number; readonly reason: string }
  /** Unasked. */
  | ({ readonly type: 'rules' } & RulesNews);

/** What became of rules that somebody else has removed. */
export interface RulesNews {
  /** `back`: they were put back, or are there again. `lost`: they are not there, and nothing is captured. */
  readonly state: 'back' | 'lost';
  /** Who removed which, and why they are not put back: one sentence without its end. */
  readonly what: string;
}

/** What a clean-up found, one line for people each. */
export interface CleanupReport {
  /** Removed: their instance is dead. */
  readonly removed: readonly string[];
  /** Left alone: their instance lives, or cannot be judged from here. */
  readonly kept: readonly string[];
  /** Should be gone, but the system refused. */
  readonly failed: readonly string[];
  /** Could not be looked at; whether anything is there is not known. */
  readonly unread: readonly string[];
}

/** One event for the log of the user's side: what the helper writes to stderr, one JSON object a line. */
export interface HelperLogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

/**
 * Where the helper is in its life. A request that is not permitted there is a protocol error.
 *
 *     started --use--> ready --apply--> applied
 */
export type HelperState = 'started' | 'ready' | 'applied';

/**
 * What may be asked when. A start and a clean-up run tools, so they end before `use`: a child would inherit the netlink
 * socket that owns the table, and keep the table alive with it. Looking runs tools only where no such socket is in this process.
 */
export const PERMITTED: Readonly<Record<HelperState, ReadonlySet<Request['type']>>> = {
  started: new Set(['start', 'cleanup', 'use']),
  ready: new Set(['apply', 'route', 'enclose', 'transparent']),
  applied: new Set(['apply', 'route', 'transparent', 'end-stranded', 'look-up', 'look']),
};

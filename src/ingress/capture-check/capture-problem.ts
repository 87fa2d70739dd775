import { systemWords } from '../../core/systems/system-words.ts';
import type { SystemWords } from '../../core/systems/words.ts';
import { listingCommands } from '../../intercept/rules/redirect-methods.ts';
import type { RuleFacts } from '../../intercept/rules/rule-facts.ts';
import { LOOPBACK } from '../../net/address/literal.ts';
import type { ProbeOutcome, ProbeResult } from './capture-probe.ts';
import { listOf, placesOf, type Words } from './capture-words.ts';
import { earlierTunnels, PF_WORDS, type PfCause, pfCauseOf } from './pf-causes.ts';
import type { ProbeTarget } from './probe-targets.ts';

/** Why connections that should be captured do not arrive. */
type Cause =
  | 'no-route'
  | 'blackhole'
  | 'prohibit'
  | 'unreachable'
  | 'forbidden'
  | 'wg-quick'
  | 'replies-dropped'
  | 'notrack'
  | 'earlier-nat'
  | 'ufw'
  | 'firewall'
  | PfCause;

/** Of zones, as zone-problems.ts tells them. */
type ZoneCause = 'resolver-file';

/** Why connections that arrive are reset, or changes of what is to be captured have no effect. */
type RunningCause = 'look-ups' | 'control-groups' | 'rules-refused' | 'nameservers' | 'namespace-gone';

/** Why connections of others, which are to be captured beside this machine's own, do not arrive. */
type OthersCause = 'others-listener' | 'others-firewall';

/** Of UDP that is to be refused, as left-undone-problems.ts tells it, or to be relayed. */
type UdpCause = 'udp-not-refused' | 'udp-relay';

/** Connections to a captured network do not arrive here; plain data, the same words wherever it is told. */
export interface CaptureProblem {
  readonly cause: Cause | ZoneCause | RunningCause | OthersCause | UdpCause;
  /** For people: what, and where. */
  readonly what: string;
  /** The remedy. */
  readonly remedy: string;
}

/**
 * Says what is wrong by what became of the probes; one problem for each cause, in the order of the probes. Empty: all is well.
 *
 * @param facts what the rules of this machine tell; undefined where they could not be looked at
 */
export function captureProblems(
  results: readonly ProbeResult[],
  facts: RuleFacts | undefined,
  platform: NodeJS.Platform = process.platform,
): readonly CaptureProblem[] {
  const system = systemWords(platform);
  const byCause = new Map<Cause, ProbeTarget[]>();
  for (const { target, outcome } of results) {
    if (outcome.kind === 'arrived') continue;
    // Where there is no IPv6, there is nothing to capture of it.
    if (target.network === '::/0' && outcome.kind === 'refused by route' && outcome.route === 'none')
      continue;
    const cause = causeOf(outcome, facts);
    byCause.set(cause, [...(byCause.get(cause) ?? []), target]);
  }
  return [...byCause].map(([cause, targets]) => ({ cause, ...WORDS[cause](targets, facts, system) }));
}

function causeOf(outcome: Exclude<ProbeOutcome, { kind: 'arrived' }>, facts: RuleFacts | undefined): Cause {
  switch (outcome.kind) {
    case 'refused by route':
      return outcome.route === 'none' ? 'no-route' : outcome.route;
    case 'forbidden':
      return facts?.packetFilter == null
        ? 'forbidden'
        : pfCauseOf('forbidden', facts.packetFilter, facts.ownRules);
    case 'silent':
      if (outcome.reached)
        return facts !== undefined && facts.wgQuick.length > 0 ? 'wg-quick' : 'replies-dropped';
      return causeInRules(facts, 'silent');
    case 'answered elsewhere':
      return causeInRules(facts, outcome.by);
  }
}

function causeInRules(facts: RuleFacts | undefined, answer: 'silent' | 'connection' | 'refusal'): Cause {
  if (facts === undefined) return 'unknown';
  if (facts.packetFilter !== null) return pfCauseOf(answer, facts.packetFilter, facts.ownRules);
  if (!facts.ownRules) return 'rules-gone';
  if (facts.notrack.length > 0) return 'notrack';
  let firewall: Cause | undefined;
  if (facts.drops.length > 0) firewall = facts.ufw ? 'ufw' : 'firewall';
  let nat: Cause | undefined;
  if (facts.earlierNat.length > 0) nat = facts.earlierNat.every(isOurs) ? 'other-tunnel' : 'earlier-nat';
  // A policy drops in silence; who takes a connection answers it, or refuses it.
  const likely = answer === 'silent' ? [firewall, nat] : [nat, answer === 'refusal' ? firewall : undefined];
  return likely.find((cause) => cause !== undefined) ?? 'unknown';
}

function isOurs(chain: string): boolean {
  return chain.startsWith('inet tshuttle-');
}

const refusedBy =
  (kind: string): Words =>
  (targets, _facts, system) => ({
    what: `the route to ${placesOf(targets)} is of type ${kind}: the kernel refuses connections there before they can be captured`,
    remedy: `remove it, a route of any other kind will do: ${system.showRejectRoutes(kind)}`,
  });

const WORDS: Readonly<Record<Cause, Words>> = {
  'no-route': (targets, _facts, system) => ({
    what: `no route to ${placesOf(targets)}: the kernel refuses connections there before they can be captured`,
    remedy: targets.some(({ network }) => network.endsWith('/0'))
      ? 'connect to a network first'
      : `any route will do, for example: ${routeToAdd(targets[0]!, system)} (and later: route del)`,
  }),
  blackhole: refusedBy('blackhole'),
  prohibit: refusedBy('prohibit'),
  unreachable: refusedBy('unreachable'),
  forbidden: (targets, _facts, system) => ({
    what: `the kernel forbids tshuttle itself connections to ${placesOf(targets)} (EPERM): whether others are captured cannot be tried`,
    remedy: system.whatForbids,
  }),
  'rules-gone': (targets, _facts, system) => ({
    what: `the redirect rules are gone, another program has removed them: connections to ${placesOf(targets)} go past the tunnel`,
    remedy: `restart the tunnel; what flushes all rules (${system.rulesRemovers}) should leave those of tshuttle`,
  }),
  'wg-quick': (targets, facts, system) => ({
    what: `the rule of wg-quick for ${listOf(facts?.wgQuick ?? [])} drops the answers to redirected connections: those to ${placesOf(targets)} hang`,
    remedy: `tshuttle works around it with --method nft; else give the network a route past the VPN, as in: ${routeToAdd(targets[0]!, system)}`,
  }),
  'replies-dropped': (targets, _facts, system) => ({
    what: `connections to ${placesOf(targets)} arrive, but a rule of another program drops the answers: they hang`,
    remedy: system.acceptReplies,
  }),
  notrack: (targets, facts) => ({
    what: `a NOTRACK rule in ${listOf(facts?.notrack ?? [])} keeps the kernel from redirecting connections to ${placesOf(targets)}`,
    remedy: 'remove that rule, or have it leave out what tshuttle captures, and loopback',
  }),
  'earlier-nat': (targets, facts) => ({
    what: `another program takes connections to ${placesOf(targets)} before tshuttle can, in the chain ${listOf((facts?.earlierNat ?? []).filter((chain) => !isOurs(chain)))}`,
    remedy:
      'have it leave that network alone, or end it: a transparent proxy and tshuttle cannot both have one connection',
  }),
  'other-tunnel': (targets, facts) => ({
    what: `another tunnel of tshuttle captures ${placesOf(targets)} (${listOf([...(facts?.earlierNat ?? []), ...earlierTunnels(facts)])})`,
    remedy: 'leave the network out of one of them with -x; tshuttle status shows all',
  }),
  ufw: (targets, facts) => ({
    what: `ufw drops redirected connections (default deny outgoing, ${listOf(facts?.drops ?? [])}): nothing to ${placesOf(targets)} arrives`,
    remedy: `allow them: sudo ufw allow out to ${LOOPBACK[targets[0]!.family]}`,
  }),
  firewall: (targets, facts) => ({
    what: `a firewall drops redirected connections (policy drop of ${listOf(facts?.drops ?? [])}): nothing to ${placesOf(targets)} arrives`,
    remedy: `accept there what goes to ${LOOPBACK[targets[0]!.family]}: it keeps its old device, so that -o lo does not match`,
  }),
  ...PF_WORDS,
  unknown: (targets, _facts, system) => ({
    what: `connections to ${placesOf(targets)} are not captured although the rules are set`,
    remedy: `another rule or a firewall drops or takes them: see ${listingCommands(system.platform)}`,
  }),
};

function routeToAdd({ family, network }: ProbeTarget, system: SystemWords): string {
  return system.addRoute(family, network);
}

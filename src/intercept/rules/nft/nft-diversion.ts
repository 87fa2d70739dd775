import { type IpFamily, LOOPBACK } from '../../../net/address/literal.ts';
import type { OwnedPlan } from '../redirect-plan.ts';
import { formatBits, markChain, type PacketMark } from '../tproxy/packet-mark.ts';
import {
  CHOSEN_CHAIN,
  gateByProgram,
  gateReset,
  OWN,
  priorityOf,
  redirectQuery,
  renderChain,
  renderDecisions,
  renderDnsRules,
  renderExempt,
  renderSubnetDecisions,
  UNDER_WAY_PASSES,
} from './nft-output-chain.ts';
import { renderUdpMark } from './nft-udp.ts';

/**
 * Renders the chains of a diversion, which takes the place of the redirect in a table of ours. Pure (native-notes/tproxy.md).
 *
 *     output (route)   a SYN that is captured: its connection and the packet are marked; what follows is marked as its connection is
 *     the kernel       asks for a route again: the mark has one to this machine (root/tproxy: rule and route)
 *     divert           at lo, a SYN goes to our listener, which gets the addresses as they are; what follows finds its socket by itself
 *     datagrams (nat)  queries are redirected: a port of ours stands for each nameserver; other datagrams are marked to be refused
 *
 * Only SYNs are decided about: what was open before stays where it goes.
 */

/** A plan with the mark that its tunnel has. */
export type DivertedPlan = OwnedPlan & { readonly diversion: PacketMark };

/** Whether captured connections of a plan are diverted, and not redirected. */
export function isDiverted(plan: OwnedPlan): plan is DivertedPlan {
  return plan.diversion !== undefined;
}

/** The empty chain that names the mark. */
export function renderMarkChain({ diversion }: Pick<OwnedPlan, 'diversion'>): string[] {
  return diversion === undefined ? [] : [`  chain ${markChain(diversion)} {`, '  }'];
}

/** The chain that maps lead to. */
export function renderDivertedCapture(plan: DivertedPlan): string[] {
  const { diversion } = plan;
  return [
    '  chain capture {',
    `    meta l4proto tcp ct mark set ${withMark('ct mark', diversion)}`,
    `    meta l4proto tcp ${markPacket(diversion)}`,
    ...renderUdpMark(plan),
    '  }',
  ];
}

/** The chains that ask the kernel's hooks. */
export function renderDiversion(plan: DivertedPlan, generation: number): string[] {
  const { diversion } = plan;
  const gate = gateByProgram(
    plan,
    CHOSEN_CHAIN,
    renderDecisions(plan, generation, OWN, () => 'return'),
  );
  return [
    ...gate.chains,
    ...renderChain('output', [
      `type route hook output priority ${priorityOf(plan)}; policy accept;`,
      'meta l4proto != tcp return',
      `ct direction original ${hasMark('ct mark', diversion)} ${markPacket(diversion)} return`,
      // A later tunnel has it, or somebody for whom these bits mean something else.
      `meta mark & ${formatBits(diversion.mask)} != 0 return`,
      UNDER_WAY_PASSES,
      ...gate.rules,
    ]),
    ...renderChain('divert', [
      `type filter hook prerouting priority ${DIVERT_PRIORITY}; policy accept;`,
      'iif != lo return',
      UNDER_WAY_PASSES,
      // Of two tunnels the one that redirects has it.
      'ct status dnat return',
      ...plan.families.map((family) => renderAssignment(plan, family)),
    ]),
    ...(needsNat(plan) ? renderNatChains(plan, generation) : []),
  ];
}

/** Decides about queries, and other datagrams, of chosen programs. */
const CHOSEN_DATAGRAMS_CHAIN = 'chosen_datagrams';

/** Queries are redirected, and of datagrams that are refused only a chain of this type sees the first alone (nft-udp.ts). */
function needsNat({ dns, udp }: DivertedPlan): boolean {
  return dns !== null || udp === 'reject';
}

function renderNatChains(plan: DivertedPlan, generation: number): string[] {
  const decisions = [
    ...renderExempt(plan),
    ...renderDnsRules(plan, OWN, redirectQuery),
    ...(plan.udp === 'reject'
      ? ['meta l4proto != udp return', ...renderSubnetDecisions(plan, generation, OWN)]
      : []),
  ];
  const gate = gateByProgram(plan, CHOSEN_DATAGRAMS_CHAIN, decisions);
  return [...gate.chains, ...renderChain('datagrams', [natHead(plan), UNDER_WAY_PASSES, ...gate.rules])];
}

/** The statements that empty the chains of {@link renderDiversion} before they are rendered anew in the same transaction. */
export function renderDiversionReset(table: string, plan: DivertedPlan): string[] {
  return [
    `flush chain ${table} output`,
    ...gateReset(table, CHOSEN_CHAIN, plan),
    `flush chain ${table} divert`,
    `add chain ${table} datagrams${needsNat(plan) ? ` { ${natHead(plan)} }` : ''}`,
    `flush chain ${table} datagrams`,
    ...(needsNat(plan)
      ? gateReset(table, CHOSEN_DATAGRAMS_CHAIN, plan)
      : [`delete chain ${table} datagrams`]),
  ];
}

/** Matches replies of our listener on their way to the application, for the rules of `nft/nft-disguise.ts`. */
export function divertedReply(diversion: PacketMark): string {
  return `ct direction reply ${hasMark('ct mark', diversion)}`;
}

/** Redirects what the chain `capture` has marked, in a chain of the type nat, as if there was no mark. */
export function redirectMarked(diversion: PacketMark, port: number): string {
  const keep = formatBits(~diversion.mask >>> 0);
  const clear = ['ct mark', 'meta mark'].map((what) => `${what} set ${what} & ${keep}`);
  return [hasMark('ct mark', diversion), ...clear, `redirect to :${port}`].join(' ');
}

/** Where mangle is, before any NAT. */
const DIVERT_PRIORITY = -150;

function natHead(plan: OwnedPlan): string {
  return `type nat hook output priority ${priorityOf(plan)}; policy accept;`;
}

function renderAssignment({ diversion, listenerPort }: DivertedPlan, family: IpFamily): string {
  const [protocol, key, listener] = FAMILIES[family];
  const ours = `meta nfproto ${protocol} ct direction original ${hasMark('ct mark', diversion)}`;
  return `${ours} meta l4proto tcp tproxy ${key} to ${listener}:${listenerPort}`;
}

const FAMILIES = {
  4: ['ipv4', 'ip', LOOPBACK[4]],
  6: ['ipv6', 'ip6', `[${LOOPBACK[6]}]`],
} as const;

function hasMark(what: 'ct mark' | 'meta mark', { mark, mask }: PacketMark): string {
  return `${what} & ${formatBits(mask)} == ${formatBits(mark)}`;
}

function markPacket(diversion: PacketMark): string {
  return `meta mark set ${withMark('meta mark', diversion)}`;
}

function withMark(what: 'ct mark' | 'meta mark', { mark, mask }: PacketMark): string {
  return `${what} & ${formatBits(~mask >>> 0)} | ${formatBits(mark)}`;
}

import { familyOf } from '../../../net/address/literal.ts';
import type { PlainNetwork, TrafficSource } from '../../../net/address/traffic-source.ts';
import type { OwnedPlan } from '../redirect-plan.ts';
import { formatBits } from '../tproxy/packet-mark.ts';
import { redirectMarked } from './nft-diversion.ts';
import {
  priorityOf,
  redirectQuery,
  renderDecisions,
  UNDER_WAY_PASSES,
  UNROUTED_PASSES,
} from './nft-output-chain.ts';

/**
 * The chains that decide about what others send through this machine: `prerouting` says whose that is, `incoming` what is captured of
 * it. A redirect there leads to the address of the interface that it came in by (native-notes/others-connections.md), also in the table
 * of a diversion (native-notes/tproxy.md): `decided` marks there what is captured, and `incoming` redirects that, and takes the mark away.
 */

/** They are there where a plan has `alsoFrom`; each leads to those before it. */
function chainsOf({ diversion }: Pick<OwnedPlan, 'diversion'>): readonly string[] {
  return [...(diversion === undefined ? [] : [DECIDED]), 'incoming', 'prerouting'];
}

const DECIDED = 'decided';

/** The rules of those chains by their names; none for this machine's own connections alone. */
export function incomingRules(plan: OwnedPlan, generation: number): ReadonlyMap<string, readonly string[]> {
  const { alsoFrom, diversion } = plan;
  if (alsoFrom === null) return new Map();
  const others = { never: alsoFrom.links.map(linkReturn), areTunnels: false };
  const decisions = [
    // What is for this machine itself is its own affair: what listens here, and its resolver.
    UNROUTED_PASSES,
    UNDER_WAY_PASSES,
    ...renderDecisions({ ...plan, udp: 'direct' }, generation, others, redirectQuery),
  ];
  // Where `incoming` returns, the policy decides.
  const sources = alsoFrom.sources.map((source) => `${sourceMatch(source)} goto incoming`);
  if (diversion === undefined) {
    return new Map([
      ['incoming', decisions],
      ['prerouting', sources],
    ]);
  }
  return new Map([
    [DECIDED, decisions],
    [
      'incoming',
      [
        // Somebody else has given it these bits.
        `ct mark & ${formatBits(diversion.mask)} != 0 return`,
        `jump ${DECIDED}`,
        `meta l4proto tcp ${redirectMarked(diversion, plan.listenerPort)}`,
      ],
    ],
    ['prerouting', sources],
  ]);
}

/** Renders those chains. */
export function renderIncoming(plan: OwnedPlan, generation: number): string[] {
  const base = `    type nat hook prerouting priority ${priorityOf(plan)}; policy accept;`;
  return [...incomingRules(plan, generation)].flatMap(([chain, rules]) => [
    `  chain ${chain} {`,
    ...(chain === 'prerouting' ? [base] : []),
    ...rules.map((rule) => `    ${rule}`),
    '  }',
  ]);
}

/** The statements that empty the chains of a plan before those of another are rendered in the same transaction. */
export function renderIncomingReset(
  table: string,
  before: Pick<OwnedPlan, 'alsoFrom' | 'diversion'>,
): string[] {
  return before.alsoFrom === null ? [] : chainsOf(before).map((chain) => `flush chain ${table} ${chain}`);
}

function sourceMatch(source: TrafficSource): string {
  return source.kind === 'interface' ? `iifname "${source.name}"` : addressMatch('saddr', source);
}

function linkReturn(link: PlainNetwork): string {
  return `${addressMatch('daddr', link)} return`;
}

function addressMatch(which: 'saddr' | 'daddr', { address, prefixLength }: PlainNetwork): string {
  return `${familyOf(address) === 4 ? 'ip' : 'ip6'} ${which} ${address}/${prefixLength}`;
}

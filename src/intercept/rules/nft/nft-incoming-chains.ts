import { familyOf } from '../../../net/address/literal.ts';
import type { PlainNetwork, TrafficSource } from '../../../net/address/traffic-source.ts';
import type { OwnedPlan, RedirectPlan } from '../redirect-plan.ts';
import { priorityOf, renderDecisions, UNDER_WAY_PASSES, UNROUTED_PASSES } from './nft-output-chain.ts';

/**
 * The chains that decide about what others send through this machine: `prerouting` says whose that is, `incoming` what is captured of
 * it. A redirect there leads to the address of the interface that it came in by (native-notes/others-connections.md).
 */

/** They are there where a plan has {@link RedirectPlan.alsoFrom}; the second leads to the first, and so comes after it. */
const CHAINS = ['incoming', 'prerouting'] as const;

/** The rules of those chains by their names; none for this machine's own connections alone. */
export function incomingRules(plan: OwnedPlan, generation: number): ReadonlyMap<string, readonly string[]> {
  const { alsoFrom } = plan;
  if (alsoFrom === null) return new Map();
  const [incoming, prerouting] = CHAINS;
  return new Map([
    [
      incoming,
      [
        // What is for this machine itself is its own affair: what listens here, and its resolver.
        UNROUTED_PASSES,
        UNDER_WAY_PASSES,
        ...renderDecisions({ ...plan, udp: 'direct' }, generation, {
          never: alsoFrom.links.map(linkReturn),
          areTunnels: false,
        }),
      ],
    ],
    // Where `incoming` returns, the policy decides.
    [prerouting, alsoFrom.sources.map((source) => `${sourceMatch(source)} goto ${incoming}`)],
  ]);
}

/** Renders those chains. */
export function renderIncoming(plan: OwnedPlan, generation: number): string[] {
  const base = `    type nat hook prerouting priority ${priorityOf(plan)}; policy accept;`;
  return [...incomingRules(plan, generation)].flatMap(([chain, rules]) => [
    `  chain ${chain} {`,
    ...(chain === CHAINS[1] ? [base] : []),
    ...rules.map((rule) => `    ${rule}`),
    '  }',
  ]);
}

/** The statements that empty the chains of a plan before those of another are rendered in the same transaction. */
export function renderIncomingReset(table: string, before: Pick<RedirectPlan, 'alsoFrom'>): string[] {
  return before.alsoFrom === null ? [] : CHAINS.map((chain) => `flush chain ${table} ${chain}`);
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

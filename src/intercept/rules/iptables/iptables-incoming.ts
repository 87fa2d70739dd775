import { familyOf, type IpFamily } from '../../../net/address/literal.ts';
import type { TrafficSource } from '../../../net/address/traffic-source.ts';
import type { AlsoFrom, OwnedPlan } from '../redirect-plan.ts';
import { iptablesChains } from './iptables-chains.ts';
import {
  type IptablesOptions,
  linkLocal,
  renderDns,
  renderExempt,
  UNDER_WAY_PASSES,
  unrouted,
} from './iptables-decisions.ts';

/**
 * The chains that decide about what others send through this machine: `-P`, which PREROUTING leads to, says whose that is, and `-I`
 * what of it is never captured. A redirect there leads to the address of the interface that it came in by
 * (native-notes/others-connections.md).
 */

/** Renders those chains; none for this machine's own connections alone. */
export function renderIncoming(
  plan: OwnedPlan,
  { family, isIncomingThere = false }: Pick<IptablesOptions, 'family' | 'isIncomingThere'>,
): string[] {
  const { alsoFrom } = plan;
  const { prerouting, incoming, groups } = iptablesChains(plan);
  // Declaring a chain under --noflush empties it.
  if (alsoFrom === null) return isIncomingThere ? [`:${prerouting} - [0:0]`] : [];
  const rules = [
    // What is for this machine itself is its own affair: what listens here, and its resolver.
    ...unrouted(family).map((match) => `${match} -j RETURN`),
    UNDER_WAY_PASSES,
    ...renderExempt(plan, family),
    ...renderDns(plan.dns, family),
    ...['! -p tcp', linkLocal(family), ...linkMatches(alsoFrom, family)].map((match) => `${match} -j RETURN`),
    // Goto, not jump: a RETURN among the groups leads back to PREROUTING.
    `-g ${groups}`,
  ];
  return [
    `:${incoming} - [0:0]`,
    `:${prerouting} - [0:0]`,
    ...rules.map((rule) => `-A ${incoming} ${rule}`),
    ...sourceMatches(alsoFrom, family).map((match) => `-A ${prerouting} ${match} -g ${incoming}`),
  ];
}

/** Renders the rule of PREROUTING that leads there, unless one does. */
export function incomingJump(plan: OwnedPlan, { isIncomingThere = false }: IptablesOptions): string[] {
  const { prerouting } = iptablesChains(plan);
  return plan.alsoFrom === null || isIncomingThere ? [] : [`-I PREROUTING 1 -j ${prerouting}`];
}

function sourceMatches({ sources }: AlsoFrom, family: IpFamily): string[] {
  return sources.flatMap((source) => {
    if (source.kind === 'interface') return [`-i ${interfaceMatch(source)}`];
    return familyOf(source.address) === family ? [`-s ${source.address}/${source.prefixLength}`] : [];
  });
}

/** iptables(8) writes `+` for what nft(8) writes `*`. */
function interfaceMatch({ name }: Extract<TrafficSource, { kind: 'interface' }>): string {
  return name.replace(/\*$/, '+');
}

function linkMatches({ links }: AlsoFrom, family: IpFamily): string[] {
  return links
    .filter(({ address }) => familyOf(address) === family)
    .map(({ address, prefixLength }) => `-d ${address}/${prefixLength}`);
}

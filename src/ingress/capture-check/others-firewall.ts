import type { RuleFacts } from '../../intercept/rules/rule-facts.ts';
import { familyOf } from '../../net/address/literal.ts';
import {
  formatTrafficSource,
  type PlainNetwork,
  type TrafficSource,
} from '../../net/address/traffic-source.ts';
import type { CaptureProblem } from './capture-problem.ts';
import { listOf } from './capture-words.ts';

/**
 * Says where a firewall of this machine keeps redirected connections of others from coming in. No rule of ours can admit what a table
 * of another program drops; one of theirs can, for what was redirected alone.
 */
export function firewallProblems(
  { inputDrops, ufw }: Pick<RuleFacts, 'inputDrops' | 'ufw'>,
  sources: readonly TrafficSource[],
): readonly CaptureProblem[] {
  const admissions = inputDrops.flatMap((chain) => admissionsIn(chain, sources));
  if (admissions.length === 0) return [];
  const from = listOf(sources.map(formatTrafficSource));
  return [
    {
      cause: 'others-firewall',
      what: `${ufw ? 'ufw' : 'a firewall'} of this machine lets in only what its rules admit (${listOf(inputDrops)}), and none admits what was redirected: connections from ${from} do not arrive`,
      remedy: ufw
        ? `write before COMMIT ${sources.map(ufwRule).join('; ')}; then: sudo ufw reload`
        : `admit that: ${admissions.join('; ')}`,
    },
  ];
}

/** For each source: where one is admitted, nothing is told of the others any more (input-facts.ts). */
function admissionsIn(chain: string, sources: readonly TrafficSource[]): readonly string[] {
  const [family = '', table, name] = chain.split(' ');
  // iptables, also where its rules are nft's; any other program by nft.
  const isIptables = table === 'filter' && name === 'INPUT' && family !== 'inet';
  return sources
    .filter((source) => mayBeOf(source, family))
    .map((source) =>
      isIptables
        ? `sudo ${family}tables -I INPUT ${iptablesMatch(source)} -m conntrack --ctstate DNAT -j ACCEPT`
        : `sudo nft insert rule ${chain} ${nftMatch(source)} ct status dnat accept`,
    );
}

/** Whether packets of a source pass a chain of this family of nft's. */
function mayBeOf(source: TrafficSource, family: string): boolean {
  if (source.kind === 'interface' || family === 'inet') return true;
  return family === ipFamilyOf(source);
}

function ufwRule(source: TrafficSource): string {
  const isIpv6 = source.kind === 'network' && ipFamilyOf(source) === 'ip6';
  const [file, chain] = isIpv6
    ? ['before6.rules', 'ufw6-before-input']
    : ['before.rules', 'ufw-before-input'];
  const other = source.kind === 'interface' ? ' (for IPv6 in before6.rules, -A ufw6-before-input)' : '';
  return `in /etc/ufw/${file}: -A ${chain} ${iptablesMatch(source)} -m conntrack --ctstate DNAT -j ACCEPT${other}`;
}

function iptablesMatch(source: TrafficSource): string {
  return source.kind === 'interface'
    ? `-i ${source.name.replace(/\*$/, '+')}`
    : `-s ${formatTrafficSource(source)}`;
}

function nftMatch(source: TrafficSource): string {
  if (source.kind === 'interface') return `iifname '"${source.name}"'`;
  return `${ipFamilyOf(source)} saddr ${formatTrafficSource(source)}`;
}

/** As nft names it. */
function ipFamilyOf({ address }: PlainNetwork): 'ip' | 'ip6' {
  return familyOf(address) === 6 ? 'ip6' : 'ip';
}

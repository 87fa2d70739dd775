import type { RuleFacts } from '../intercept/rules/rule-facts.ts';
import { formatTrafficSource, type TrafficSource } from '../net/address/traffic-source.ts';
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
  const source = sources[0];
  if (source === undefined || inputDrops.length === 0) return [];
  const from = listOf(sources.map(formatTrafficSource));
  return [
    {
      cause: 'others-firewall',
      what: `${ufw ? 'ufw' : 'a firewall'} of this machine lets in only what its rules admit (${listOf(inputDrops)}), and none admits what was redirected: connections from ${from} do not arrive`,
      remedy: ufw
        ? ufwRemedy(source)
        : `admit that: ${inputDrops.map((chain) => admission(chain, source)).join('; ')}`,
    },
  ];
}

/** Of iptables, also where its rules are nft's; of any other program by nft. */
function admission(chain: string, source: TrafficSource): string {
  const [family, table, name] = chain.split(' ');
  const isIptables = table === 'filter' && name === 'INPUT' && family !== 'inet';
  if (!isIptables) return `sudo nft insert rule ${chain} ${nftMatch(source)} ct status dnat accept`;
  return `sudo ${family}tables -I INPUT ${iptablesMatch(source)} -m conntrack --ctstate DNAT -j ACCEPT`;
}

function ufwRemedy(source: TrafficSource): string {
  const isIpv6 = source.kind === 'network' && source.address.includes(':');
  const [file, chain] = isIpv6
    ? ['before6.rules', 'ufw6-before-input']
    : ['before.rules', 'ufw-before-input'];
  const rule = `-A ${chain} ${iptablesMatch(source)} -m conntrack --ctstate DNAT -j ACCEPT`;
  const other = source.kind === 'interface' ? ' (for IPv6 in before6.rules, -A ufw6-before-input)' : '';
  return `write before COMMIT in /etc/ufw/${file}: ${rule}${other}; then: sudo ufw reload`;
}

function iptablesMatch(source: TrafficSource): string {
  return source.kind === 'interface'
    ? `-i ${source.name.replace(/\*$/, '+')}`
    : `-s ${formatTrafficSource(source)}`;
}

function nftMatch(source: TrafficSource): string {
  if (source.kind === 'interface') return `iifname '"${source.name}"'`;
  return `${source.address.includes(':') ? 'ip6' : 'ip'} saddr ${formatTrafficSource(source)}`;
}

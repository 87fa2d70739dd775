import type { Config } from '../../config/config.ts';
import type { ReportedNames } from '../../daemon/control/protocol.ts';
import { type CaptureRule, formatCaptureRule } from '../../net/address/capture-rule.ts';
import { formatCidr } from '../../net/address/cidr.ts';
import { formatEndpoint } from '../../net/address/endpoint.ts';
import { formatNetworkMap } from '../../net/address/network-map.ts';
import { formatZone } from '../../net/address/zone.ts';

/** Rules, zones or hosts that a report names; some tunnels have thousands. */
const MAX_RULES = 256;

/** The rules as a report has them. */
export function reportedRules(rules: readonly CaptureRule[]): {
  readonly rules: ReadonlyArray<{ readonly action: CaptureRule['action']; readonly subnet: string }>;
  readonly ruleCount: number;
} {
  const shown = rules.slice(0, MAX_RULES);
  return {
    rules: shown.map((rule) => ({ action: rule.action, subnet: formatCaptureRule(rule) })),
    ruleCount: rules.length,
  };
}

/** The names that a tunnel answers for as a report has them. */
export function reportedNames(dns: Config['dns']): ReportedNames | null {
  if (dns === undefined) return null;
  const { zones, everything, resolvers, resolve, hosts, syntheticRanges } = dns;
  return {
    zones: zones.slice(0, MAX_RULES).map(formatZone),
    everything,
    resolvers: resolvers.map(formatEndpoint),
    resolve,
    hosts: hosts.slice(0, MAX_RULES).map(({ name, address }) => `${name}=${address}`),
    syntheticRanges: [syntheticRanges.range4, syntheticRanges.range6].map(formatCidr),
  };
}

/** The networks that stand for others as a report has them. */
export function reportedMaps(maps: Config['maps']): readonly string[] {
  return maps.slice(0, MAX_RULES).map(formatNetworkMap);
}

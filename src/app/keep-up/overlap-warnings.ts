import type { Config } from '../../config/config.ts';
import { type ClaimedNetwork, overlapsOf } from '../../config/overlaps.ts';
import { parseSubnet } from '../../config/parse/networks/subnet.ts';
import { rulesOf } from '../../config/resolve-subnets.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import { localNetworks, vpnRoutes } from '../../net/machine/local-networks.ts';
import { WINNER } from './shared-networks.ts';

/** A tunnel by its name. */
interface NamedConfig {
  readonly name: string;
  readonly config: Config;
}

/**
 * Says which of the networks of a tunnel this machine is in itself, so that its neighbours would be looked for behind the
 * bastion. A tunnel that captures everything needs no warning.
 */
export function localOverlaps(config: Config): readonly string[] {
  const rules = rulesOf(config, new Map()).filter(({ cidr }) => cidr.prefixLength > 0);
  return overlapsOf(rules, localClaims());
}

/** Says which networks of these tunnels others have, too: each other, running tunnels, the local network, VPNs. */
export async function overlapWarnings(
  profiles: readonly NamedConfig[],
  running: readonly TunnelReport[],
): Promise<readonly string[]> {
  const machine: ClaimedNetwork[] = [
    ...localClaims(),
    ...(await vpnRoutes()).map(({ cidr, interfaceName }) => ({
      cidr,
      what: `is routed by the VPN on ${interfaceName}; excludes can leave it to that`,
    })),
  ];
  const others: Array<ClaimedNetwork & { readonly name: string }> = running.flatMap(claimsOfReport);
  return profiles.flatMap((profile) => {
    const { name, config } = profile;
    const rules = rulesOf(config, new Map());
    const claimed = [...machine, ...others.filter((other) => other.name !== name)];
    for (const { action, cidr } of rules) {
      if (action === 'include') others.push({ name, cidr, what: `is captured by ${name}, too; ${WINNER}` });
    }
    return overlapsOf(rules, claimed).map((overlap) => `${name}: ${overlap}`);
  });
}

function localClaims(): readonly ClaimedNetwork[] {
  return localNetworks().map(({ cidr, interfaceName }) => ({
    cidr,
    what: `is the local network on ${interfaceName}; excludes can leave it out`,
  }));
}

function claimsOfReport({
  name,
  rules,
}: TunnelReport): ReadonlyArray<ClaimedNetwork & { readonly name: string }> {
  return rules.flatMap(({ action, subnet }) => {
    const parsed = parseSubnet(subnet);
    return action === 'include' && parsed.kind === 'network'
      ? [{ name, cidr: parsed.cidr, what: `is captured by ${name}, too; ${WINNER}` }]
      : [];
  });
}

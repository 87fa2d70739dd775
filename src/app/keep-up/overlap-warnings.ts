import type { Config } from '../../config/config.ts';
import { type ClaimedNetwork, overlapsOf } from '../../config/overlaps.ts';
import { parseSubnet } from '../../config/parse/networks/subnet.ts';
import { rulesOf } from '../../config/resolve-subnets.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import type { Cidr } from '../../net/address/cidr.ts';
import { localNetworks, vpnRoutes } from '../../net/machine/local-networks.ts';
import { namespaceKey, programsKey } from './same-tunnel.ts';
import { WINNER } from './shared-networks.ts';
import { mayCompete, type Whose } from './whose-connections.ts';

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
  const others: TunnelClaim[] = running.flatMap(claimsOfReport);
  return profiles.flatMap((profile) => {
    const { name, config } = profile;
    const rules = rulesOf(config, new Map());
    const whose = { programs: programsKey(config), namespace: namespaceKey(config) };
    const claimed = [
      // Another namespace has networks of its own.
      ...(config.namespace === undefined ? machine : []),
      ...others.filter((other) => other.name !== name && mayCompete(other.whose, whose)),
    ];
    for (const { action, cidr } of rules) {
      if (action === 'include') others.push(claimOf(name, whose, cidr));
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

/** A network that a tunnel captures. */
interface TunnelClaim extends ClaimedNetwork {
  readonly name: string;
  readonly whose: Whose;
}

function claimOf(name: string, whose: Whose, cidr: Cidr): TunnelClaim {
  return { name, whose, cidr, what: `is captured by ${name}, too; ${WINNER}` };
}

function claimsOfReport({ name, rules, programs, namespace }: TunnelReport): readonly TunnelClaim[] {
  return rules.flatMap(({ action, subnet }) => {
    const parsed = parseSubnet(subnet);
    return action === 'include' && parsed.kind === 'network'
      ? [claimOf(name, { programs, namespace: namespace ?? null }, parsed.cidr)]
      : [];
  });
}

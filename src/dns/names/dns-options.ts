import type { Cidr } from '../../net/address/cidr.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { formatZone, type Zone } from '../../net/address/zone.ts';
import { systemNameservers } from '../system/nameservers.ts';
import type { Nameserver } from '../system/resolv-conf.ts';
import type { StaticHost } from '../zone/name-routes.ts';

/** Whose queries are captured, and who answers them. */
export interface DnsOptions {
  /** Literal addresses; `system` is what this machine is configured with now. */
  readonly nameservers: 'system' | readonly string[];
  /** On the bastion's side, asked in this order. */
  readonly resolvers: readonly Endpoint[];
  /** Whether all names are answered on the bastion's side, or only those in the zones. */
  readonly everything: boolean;
  readonly zones: readonly Zone[];
  readonly hosts: readonly StaticHost[];
  /** Whether names in the bastion's /etc/hosts are answered with what it says. */
  readonly bastionHosts: boolean;
  /** Whether the resolvers are asked for names in the zones, or the bastion is to connect by name at once. */
  readonly resolve: 'auto' | 'bastion';
  /** What addresses that stand for names are taken from. */
  readonly syntheticRanges: { readonly range4: Cidr; readonly range6: Cidr };
}

/** How many zones are named. */
const NAMED_ZONES = 3;

/** For people: `DNS`, `names in internal.example`, `names of --host`. */
export function describeDns({ everything, zones, hosts, bastionHosts }: DnsOptions): string {
  if (everything) return 'DNS';
  const more = zones.length - NAMED_ZONES;
  const named = zones.slice(0, NAMED_ZONES).map(formatZone).join(', ');
  const parts = [
    ...(zones.length > 0 ? [`in ${named}${more > 0 ? ` and ${more} more` : ''}`] : []),
    ...(hosts.length > 0 ? ['of --host'] : []),
    ...(bastionHosts ? ["of the bastion's /etc/hosts"] : []),
  ];
  return `names ${parts.join(' and ')}`;
}

/** The nameservers whose queries are captured. @param resolvConf as for {@link systemNameservers} */
export function nameserversOf(options: DnsOptions | undefined, resolvConf?: string): readonly Nameserver[] {
  if (options === undefined) return [];
  if (options.nameservers === 'system') return systemNameservers(resolvConf);
  return options.nameservers.map((address) => ({ address, scope: undefined }));
}

import { canonicalName, type Zone, zoneOf } from '../../net/address/zone.ts';

/** A name that the user has given addresses to. */
export interface StaticHost {
  /** In lower case, without a dot at the end. */
  readonly name: string;
  /** Literal and canonical. */
  readonly address: string;
}

/** Who answers for a name. */
export type NameRoute =
  /** The resolver that the client has asked, as if we were not there. */
  | { readonly kind: 'asked-resolver'; readonly because: 'way-to-bastion' | 'in-no-zone' }
  /** We, with these addresses. */
  | { readonly kind: 'static'; readonly addresses: readonly string[] }
  /** The bastion's side; without a zone because all names are. */
  | { readonly kind: 'bastion-side'; readonly zone: Zone | undefined };

/** What {@link routeName} decides by. */
export interface NameRules {
  /** Names that lead to the bastion: its own, of jump hosts, of proxies. */
  readonly wayToBastion: readonly string[];
  readonly hosts: readonly StaticHost[];
  readonly zones: readonly Zone[];
  /** Whether names outside all zones are answered by the bastion's side, too. */
  readonly everything: boolean;
}

/**
 * Decides who answers for a name. A name on the way to the bastion is never asked through the tunnel: it may have to be
 * asked while there is none. So neither is what a resolver library makes of it with a search domain.
 */
export function routeName(name: string, rules: NameRules): NameRoute {
  const canonical = canonicalName(name);
  const addresses = rules.hosts.flatMap((host) => (host.name === canonical ? [host.address] : []));
  if (addresses.length > 0) return { kind: 'static', addresses };
  if (leadsToBastion(canonical, rules.wayToBastion))
    return { kind: 'asked-resolver', because: 'way-to-bastion' };
  const zone = zoneOf(canonical, rules.zones);
  if (zone !== undefined || rules.everything) return { kind: 'bastion-side', zone };
  return { kind: 'asked-resolver', because: 'in-no-zone' };
}

/** Whether it is a name on the way to the bastion, or what a resolver library makes of one with a search domain. */
export function leadsToBastion(name: string, wayToBastion: readonly string[]): boolean {
  const canonical = canonicalName(name);
  return wayToBastion.some(
    (own) => canonical === canonicalName(own) || canonical.startsWith(`${canonicalName(own)}.`),
  );
}

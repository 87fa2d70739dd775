import { type Cidr, cidrOf, isWithin, rangesOverlap } from '../../net/address/cidr.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { neverCapturedAs } from '../../net/address/never-captured.ts';

/** More networks are not taken from a bastion. */
export const MAX_NETWORKS = 128;

/** Addresses of private networks (RFC 1918, 6598, 4193): a bastion may have routes to all of them. */
const PRIVATE: readonly Cidr[] = (
  [
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['100.64.0.0', 10],
    ['fc00::', 7],
  ] as const
).map(([address, prefixLength]) => cidrOf(address, prefixLength));

/**
 * Of all other addresses it may have so many, as one network or as several: a /8 of IPv4, a /24 of IPv6. So one that means harm, or a
 * router with the routes of the whole Internet, cannot have everything captured.
 */
const MAX_PUBLIC_ADDRESSES: Readonly<Record<IpFamily, bigint>> = { 4: 2n ** 24n, 6: 2n ** 104n };

/** What this machine reaches without the bastion. */
export interface OwnNetwork {
  readonly cidr: Cidr;
  /** For people: `the local network on eth0`. */
  readonly what: string;
}

/** What is to be done with the routes of a bastion. */
export interface ChosenNetworks {
  readonly includes: readonly Cidr[];
  /** Networks of this machine's own within one of them. */
  readonly excludes: readonly OwnNetwork[];
  /** What is left out that the user may miss. */
  readonly leftOut: ReadonlyArray<{ readonly cidr: Cidr; readonly why: string }>;
  /** Beyond {@link MAX_NETWORKS}. */
  readonly surplus: number;
}

/**
 * Decides which of a bastion's networks are captured. What this machine reaches by itself is left to it: the bastion's 192.168.1.0/24 is
 * another one than that at home.
 *
 * @param own without those that the user asks for, too
 */
export function chooseNetworks(
  networks: readonly Cidr[],
  own: readonly OwnNetwork[],
  families: readonly IpFamily[],
): ChosenNetworks {
  const includes: Cidr[] = [];
  const leftOut: Array<{ cidr: Cidr; why: string }> = [];
  const publicAddresses: Record<IpFamily, bigint> = { 4: 0n, 6: 0n };
  let surplus = 0;
  for (const cidr of networks) {
    const { family } = cidr;
    if (!families.includes(family) || neverCapturedAs(cidr) !== undefined) continue;
    const holder = own.find((network) => isWithin(cidr, network.cidr));
    if (holder !== undefined) {
      leftOut.push({ cidr, why: `it is in ${holder.what}` });
      continue;
    }
    if (includes.length >= MAX_NETWORKS) {
      surplus += 1;
      continue;
    }
    if (!PRIVATE.some((block) => isWithin(cidr, block))) {
      const size = cidr.last - cidr.first + 1n;
      if (publicAddresses[family] + size > MAX_PUBLIC_ADDRESSES[family]) {
        leftOut.push({ cidr, why: 'the bastion has routes to more of the Internet than is taken from it' });
        continue;
      }
      publicAddresses[family] += size;
    }
    includes.push(cidr);
  }
  const excludes = own.filter(({ cidr }) => includes.some((include) => rangesOverlap(include, cidr)));
  return { includes, excludes, leftOut, surplus };
}

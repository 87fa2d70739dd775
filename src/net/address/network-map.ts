import { type Cidr, formatCidr, isWithin, rangeOfAddress } from './cidr.ts';
import { addressToNumber, canonicalAddress, familyOf, numberToAddress } from './literal.ts';

/** A network behind the bastion, and one of as many addresses that stands for it on this side; they have none in common. */
export interface NetworkMap {
  /** As the bastion sees it. */
  readonly remote: Cidr;
  /** What is captured here. */
  readonly local: Cidr;
}

/** The address behind the bastion for which a literal one of this side stands; undefined for a name, and outside of all. */
export function toRemote(maps: readonly NetworkMap[], address: string): string | undefined {
  return translated(address, maps, ({ local, remote }) => [local, remote]);
}

/** The address of this side that stands for a literal one behind the bastion; undefined for a name, and outside of all. */
export function toLocal(maps: readonly NetworkMap[], address: string): string | undefined {
  return translated(address, maps, ({ local, remote }) => [remote, local]);
}

function translated(
  text: string,
  maps: readonly NetworkMap[],
  direction: (map: NetworkMap) => readonly [from: Cidr, to: Cidr],
): string | undefined {
  const address = canonicalAddress(text);
  if (address === undefined) return undefined;
  const family = familyOf(address);
  const range = rangeOfAddress(family, address);
  for (const map of maps) {
    const [from, to] = direction(map);
    if (isWithin(range, from))
      return numberToAddress(family, to.first + (addressToNumber(family, address) - from.first));
  }
  return undefined;
}

/** Renders `10.1.0.0/16=10.201.0.0/16`, as it is written. */
export function formatNetworkMap({ remote, local }: NetworkMap): string {
  return `${formatCidr(remote)}=${formatCidr(local)}`;
}

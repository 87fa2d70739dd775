import { addressBits, addressToNumber, familyOf, type IpFamily, numberToAddress } from './literal.ts';

/** Addresses of one family from `first` to `last`, both included. */
export interface AddressRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * A network, or one address of it as /32 or /128. Bits beyond the prefix are zero in `first` and one in `last`.
 *
 * Numbers and no objects of a package: every flow is compared with it, and the root process has it, too.
 */
export interface Cidr extends AddressRange {
  readonly prefixLength: number;
}

/** The network of `prefixLength` bits that `address` lies in. */
export function makeCidr(family: IpFamily, address: bigint, prefixLength: number): Cidr {
  const hostMask = (1n << BigInt(addressBits(family) - prefixLength)) - 1n;
  return { family, prefixLength, first: address & ~hostMask, last: address | hostMask };
}

/** The network of a literal address that the program itself has, without the package that reads those of users. */
export function cidrOf(address: string, prefixLength: number): Cidr {
  const family = familyOf(address);
  return makeCidr(family, addressToNumber(family, address), prefixLength);
}

/** A literal address as a range of one. */
export function rangeOfAddress(family: IpFamily, address: string): AddressRange {
  const value = addressToNumber(family, address);
  return { family, first: value, last: value };
}

/** Whether all addresses of one range are in another. */
export function isWithin(inner: AddressRange, outer: AddressRange): boolean {
  return inner.family === outer.family && inner.first >= outer.first && inner.last <= outer.last;
}

/** Whether some address is in both ranges. */
export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

/** The address in the middle of a range, of two the upper one. */
export function middleOf({ first, last }: AddressRange): bigint {
  return first + (last - first + 1n) / 2n;
}

/** How long the common prefix of `first` and `last` is when they span exactly one network, otherwise undefined. */
export function prefixLengthOf({ family, first, last }: AddressRange): number | undefined {
  const size = last - first + 1n;
  const isPowerOfTwo = (size & (size - 1n)) === 0n;
  if (!isPowerOfTwo || first % size !== 0n) return undefined;
  const hostBits = size.toString(2).length - 1;
  return addressBits(family) - hostBits;
}

/** Renders `10.0.0.0/8`; a single address without its prefix length. */
export function formatCidr(cidr: Cidr): string {
  const address = numberToAddress(cidr.family, cidr.first);
  return cidr.prefixLength === addressBits(cidr.family) ? address : `${address}/${cidr.prefixLength}`;
}

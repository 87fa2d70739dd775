import type { IpFamily } from '../net/address/endpoint.ts';

/**
 * The number behind a literal address that `net.isIP` has accepted for this family, without a zone.
 *
 * `net/address/cidr.ts` has the same for the user's side; it leans on an npm package, which the root process must not load.
 */
export function addressValue(family: IpFamily, address: string): bigint {
  return family === 4 ? BigInt(dottedValue(address)) : groupsValue(address);
}

/** How long the common prefix of `first` and `last` is when they span exactly one network, otherwise undefined. */
export function prefixLengthOf(family: IpFamily, first: bigint, last: bigint): number | undefined {
  const size = last - first + 1n;
  const isPowerOfTwo = (size & (size - 1n)) === 0n;
  if (!isPowerOfTwo || first % size !== 0n) return undefined;
  const hostBits = size.toString(2).length - 1;
  return (family === 4 ? 32 : 128) - hostBits;
}

function dottedValue(address: string): number {
  return address.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
}

function groupsValue(address: string): bigint {
  const [head = '', tail] = address.split('::');
  const headGroups = groupsOf(head);
  const tailGroups = groupsOf(tail ?? '');
  const zeros = new Array<string>(8 - headGroups.length - tailGroups.length).fill('0000');
  return BigInt(`0x${[...headGroups, ...zeros, ...tailGroups].join('')}`);
}

/** Four hexadecimal digits per group; an embedded dotted IPv4 part becomes two groups. */
function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [group.padStart(4, '0')];
    const digits = dottedValue(group).toString(16).padStart(8, '0');
    return [digits.slice(0, 4), digits.slice(4)];
  });
}

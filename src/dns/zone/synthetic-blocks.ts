import { type Cidr, makeCidr } from '../../net/address/cidr.ts';

/** As many tunnels can have names side by side where the range is large enough. */
const MAX_BLOCKS = 16;

/** A smaller one has hardly room for the names of one program. */
const MIN_BLOCK_ADDRESSES = 32;

/**
 * Into how many equal blocks a range is divided. A tunnel has one to itself, so that several live side by side, and takes more when it
 * has many names.
 */
export function blockCountOf(range: Cidr): number {
  const addresses = Number(range.last - range.first + 1n);
  return Math.max(1, Math.min(MAX_BLOCKS, addresses / MIN_BLOCK_ADDRESSES));
}

/** One of so many equal blocks. */
export function blockOf(range: Cidr, blockCount: number, block: number): Cidr {
  const prefixLength = range.prefixLength + Math.log2(blockCount);
  const size = (range.last - range.first + 1n) / BigInt(blockCount);
  return makeCidr(range.family, range.first + size * BigInt(block), prefixLength);
}

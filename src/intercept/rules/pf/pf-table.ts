import { addressBits, type IpFamily, numberToAddress } from '../../../net/address/literal.ts';
import type { Range } from './ranges.ts';

/**
 * The networks below one network, as far as they differ. `costs`: how many entries tell them apart, where the entry around them
 * is a plain one, and where it is negated or there is none.
 */
type Node =
  | { readonly kind: 'same'; readonly isIn: boolean }
  | { readonly kind: 'split'; readonly lower: Node; readonly upper: Node; readonly costs: Costs };

interface Costs {
  readonly plain: number;
  readonly none: number;
}

/**
 * The fewest entries of a pf table that hold exactly these addresses: of all that match an address the longest prefix decides, and a
 * negated one says that it is not in the table (pf.conf(5), TABLES). So {10/8 without 10.10/16} is two entries, and not eight.
 *
 * No entry is of the length 0: what a table makes of that nobody has tried.
 *
 * @param ranges disjoint and ascending
 */
export function tableEntries(family: IpFamily, ranges: readonly Range[]): readonly string[] {
  const bits = addressBits(family);
  const entries: string[] = [];
  const emit = (node: Node, first: bigint, size: bigint, prefixLength: number, around: boolean): void => {
    const isIn = node.kind === 'same' ? node.isIn : prefersEntry(node, around) ? !around : around;
    if (isIn !== around) {
      const address = numberToAddress(family, first);
      entries.push(`${isIn ? '' : '!'}${address}${prefixLength === bits ? '' : `/${prefixLength}`}`);
    }
    if (node.kind === 'same') return;
    const half = size >> 1n;
    emit(node.lower, first, half, prefixLength + 1, isIn);
    emit(node.upper, first + half, half, prefixLength + 1, isIn);
  };
  const half = 1n << BigInt(bits - 1);
  for (const first of [0n, half]) emit(build(ranges, first, half), first, half, 1, false);
  return entries;
}

function build(ranges: readonly Range[], first: bigint, size: bigint, from = 0, to = ranges.length): Node {
  const last = first + size - 1n;
  const start = firstIndex(ranges, from, to, (range) => range.last >= first);
  const end = firstIndex(ranges, start, to, (range) => range.first > last);
  const only = ranges[start];
  if (start === end || only === undefined) return { kind: 'same', isIn: false };
  if (only.first <= first && only.last >= last) return { kind: 'same', isIn: true };
  const half = size >> 1n;
  const lower = build(ranges, first, half, start, end);
  const upper = build(ranges, first + half, half, start, end);
  const plain = costOf(lower, true) + costOf(upper, true);
  const none = costOf(lower, false) + costOf(upper, false);
  return {
    kind: 'split',
    lower,
    upper,
    costs: { plain: Math.min(plain, none + 1), none: Math.min(none, plain + 1) },
  };
}

function costOf(node: Node, around: boolean): number {
  if (node.kind === 'same') return node.isIn === around ? 0 : 1;
  return around ? node.costs.plain : node.costs.none;
}

/** Whether an entry of this network itself leaves fewer to make below it. */
function prefersEntry({ lower, upper }: Node & { kind: 'split' }, around: boolean): boolean {
  const without = costOf(lower, around) + costOf(upper, around);
  return costOf(lower, !around) + costOf(upper, !around) + 1 < without;
}

/** The first index from `from` on for which it holds; it holds for all that follow. */
function firstIndex(
  ranges: readonly Range[],
  from: number,
  to: number,
  holds: (range: Range) => boolean,
): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(ranges[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

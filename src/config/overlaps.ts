import { type CaptureRule, decidingRule } from '../net/address/capture-rule.ts';
import { type Cidr, formatCidr, rangesOverlap } from '../net/address/cidr.ts';
import { numberToAddress } from '../net/address/literal.ts';

/** A network that another program uses. */
export interface ClaimedNetwork {
  readonly cidr: Cidr;
  /** For people, after the network: `is the local network on eth0`, `is captured by home, too`. */
  readonly what: string;
}

/** Overlaps of one tunnel that are named; more than these nobody reads. */
const MAX_NAMED = 10;

/**
 * The networks that a tunnel would capture although another program uses them, each once, as lines; none of those that are
 * excluded.
 */
export function overlapsOf(rules: readonly CaptureRule[], claimed: readonly ClaimedNetwork[]): string[] {
  return networksIn(rules, claimed).map(nameOf);
}

/** The same as networks: what of each claimed one is captured. */
export function networksIn(
  rules: readonly CaptureRule[],
  claimed: readonly ClaimedNetwork[],
): readonly ClaimedNetwork[] {
  const found = new Map<string, ClaimedNetwork>();
  const includes = rules.filter(({ action }) => action === 'include');
  for (const { cidr, what } of claimed) {
    for (const include of includes) {
      const shared = sharedBy(include.cidr, cidr);
      if (shared === undefined) continue;
      const address = numberToAddress(shared.family, shared.first);
      const decides = decidingRule(rules, { family: shared.family, address }, undefined);
      const network = { cidr: shared, what };
      if (decides?.action === 'include') found.set(nameOf(network), network);
      if (found.size >= MAX_NAMED) return [...found.values()];
    }
  }
  return [...found.values()];
}

function nameOf({ cidr, what }: ClaimedNetwork): string {
  return `${formatCidr(cidr)} ${what}`;
}

/** Of two networks that overlap, one is in the other. */
function sharedBy(a: Cidr, b: Cidr): Cidr | undefined {
  if (!rangesOverlap(a, b)) return undefined;
  return a.prefixLength >= b.prefixLength ? a : b;
}

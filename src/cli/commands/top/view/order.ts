import { compareText } from '../../../../core/compare-text.ts';
import { type TopRow, UNKNOWN } from './rows.ts';

/** The orders of flows: the key that chooses each, and what it is called. What moves or moved most, or is the oldest, comes first. */
export const ORDERS = {
  r: 'rate',
  d: 'rate down',
  u: 'rate up',
  t: 'total',
  a: 'age',
  p: 'program',
  n: 'destination',
} as const;

/** The key of an order. */
export type OrderKey = keyof typeof ORDERS;

/** Whether a key chooses an order. */
export function isOrderKey(key: string): key is OrderKey {
  return Object.hasOwn(ORDERS, key);
}

const COMPARE: Readonly<Record<OrderKey, (a: TopRow, b: TopRow) => number>> = {
  r: (a, b) => rate(b) - rate(a) || total(b) - total(a),
  d: (a, b) => b.downBytesPerSec - a.downBytesPerSec || b.bytesDown - a.bytesDown,
  u: (a, b) => b.upBytesPerSec - a.upBytesPerSec || b.bytesUp - a.bytesUp,
  t: (a, b) => total(b) - total(a),
  a: (a, b) => b.ageMs - a.ageMs,
  p: (a, b) => programRank(a) - programRank(b) || compareText(a.program, b.program),
  n: () => 0,
};

/** All in an order; those that are equal in it by destination, the oldest first. */
export function inOrder(rows: readonly TopRow[], order: OrderKey): readonly TopRow[] {
  const compare = COMPARE[order];
  return [...rows].sort(
    (a, b) => compare(a, b) || compareText(a.destination, b.destination) || b.ageMs - a.ageMs,
  );
}

/** First programs, then whoever is known beside them, then the rest. */
function programRank({ program, pid, flows }: TopRow): number {
  if (program === UNKNOWN) return 2;
  return pid === '' && flows.length === 1 ? 1 : 0;
}

function rate({ upBytesPerSec, downBytesPerSec }: TopRow): number {
  return upBytesPerSec + downBytesPerSec;
}

function total({ bytesUp, bytesDown }: TopRow): number {
  return bytesUp + bytesDown;
}

import type { MovingFlow } from './rates.ts';

/** The orders of flows, and the key that chooses each. */
export const ORDERS = {
  rate: 'r',
  bytes: 'b',
  age: 'a',
  destination: 'd',
} as const;

/** An order of flows. */
export type Order = keyof typeof ORDERS;

/** The order that a key chooses. */
export function orderOf(key: string): Order | undefined {
  return (Object.keys(ORDERS) as Order[]).find((order) => ORDERS[order] === key);
}

/** The first of all flows in an order: what moves most, or is the oldest, first; names by the alphabet. */
export function firstFlows(flows: readonly MovingFlow[], order: Order, count: number): readonly MovingFlow[] {
  return [...flows].sort(COMPARE[order]).slice(0, count);
}

const COMPARE: Readonly<Record<Order, (a: MovingFlow, b: MovingFlow) => number>> = {
  rate: (a, b) => rate(b) - rate(a) || bytes(b) - bytes(a),
  bytes: (a, b) => bytes(b) - bytes(a),
  age: (a, b) => b.ageMs - a.ageMs,
  destination: (a, b) =>
    a.destination < b.destination ? -1 : a.destination > b.destination ? 1 : b.ageMs - a.ageMs,
};

function rate({ upBytesPerSec, downBytesPerSec }: MovingFlow): number {
  return upBytesPerSec + downBytesPerSec;
}

function bytes({ bytesUp, bytesDown }: MovingFlow): number {
  return bytesUp + bytesDown;
}

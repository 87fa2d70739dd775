import type { Endpoint } from '../../net/address/endpoint.ts';
import { addressToNumber } from '../../net/address/literal.ts';
import type { AddressInterval, RedirectPlan } from './redirect-plan.ts';

/** Whether the rules of a plan redirect a new connection to an endpoint. Without any package: the root process uses it. */
export function isCaptured(plan: RedirectPlan, { family, address, port }: Endpoint): boolean {
  if (!plan.families.includes(family)) return false;
  const value = addressToNumber(family, address);
  const isExempt = plan.exempt.some(
    (one) => one.family === family && one.port === port && addressToNumber(family, one.address) === value,
  );
  if (isExempt) return false;
  for (const { ports, intervals4, intervals6 } of plan.groups) {
    if (port < ports.first || port > ports.last) continue;
    const deciding = intervalOf(family === 4 ? intervals4 : intervals6, family, value);
    if (deciding !== undefined) return deciding.action === 'capture';
  }
  return false;
}

/** They are ascending and may be very many. */
function intervalOf(
  intervals: readonly AddressInterval[],
  family: Endpoint['family'],
  value: bigint,
): AddressInterval | undefined {
  let [low, high] = [0, intervals.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const interval = intervals[middle]!;
    if (value < addressToNumber(family, interval.first)) high = middle - 1;
    else if (value > addressToNumber(family, interval.last)) low = middle + 1;
    else return interval;
  }
  return undefined;
}

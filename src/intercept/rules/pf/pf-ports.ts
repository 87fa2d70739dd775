import { ALL_PORTS, type PortRange } from '../../../net/address/port-range.ts';

/** All ports but these, for no operator of pf says that of more than one. */
export function portsBetween(left: readonly number[]): string {
  if (left.length === 0) return '';
  const ascending = [...new Set(left)].sort((a, b) => a - b);
  const stretches = [0, ...ascending].map((before, index) => ({
    first: before + 1,
    last: (ascending[index] ?? ALL_PORTS.last + 1) - 1,
  }));
  return ` port ${portList(stretches.filter(({ first, last }) => first <= last))}`;
}

/** Some ports, as a list. */
export function portList(stretches: readonly PortRange[]): string {
  return `{ ${stretches.map(formatPorts).join(', ')} }`;
}

/** Nothing where they are all. */
export function portMatch(ports: PortRange): string {
  const isAll = ports.first === ALL_PORTS.first && ports.last === ALL_PORTS.last;
  return isAll ? '' : ` port ${formatPorts(ports)}`;
}

function formatPorts({ first, last }: PortRange): string {
  return first === last ? `${first}` : `${first}:${last}`;
}

import { addressToNumber, familyOf, type IpFamily } from '../../../net/address/literal.ts';
import { ALL_PORTS, type PortRange } from '../../../net/address/port-range.ts';
import type { OwnedPlan } from '../redirect-plan.ts';
import { exemptAddresses, SPARED_UDP_PORTS } from '../refused-udp.ts';
import type { CapturedPorts } from './captured-ports.ts';
import { type Range, subtractRanges, uniteRanges } from './ranges.ts';

/** What pf cannot tell by itself. */
export interface UdpFacts {
  /** Where the source ports begin that the system gives to sockets which ask for none. */
  readonly ephemeralFrom: number;
  /** Literal addresses that are this machine's own, or broadcast where it is. */
  readonly neverRefused: readonly string[];
}

/**
 * As many source ports at most as are left out by themselves: pf makes a rule for each stretch between them. Where more sockets were
 * there before the rules, UDP is left alone.
 */
const MAX_STRETCHES = 128;

/** Whether pf has room for the rules that refuse what a plan captures. */
export function hasRoomForRefusal(plan: OwnedPlan, facts: UdpFacts): boolean {
  return plan.udp !== 'reject' || refusedSources(plan, facts).length <= MAX_STRETCHES;
}

/** Where UDP is refused: by ports that are ascending and disjoint. */
export interface RefusedUdp {
  readonly to: ReadonlyArray<{ readonly ports: readonly PortRange[]; readonly ranges: readonly Range[] }>;
  /** The source ports of what is refused. An answer of a server here, which pf may have no state of, comes from none of them. */
  readonly from: readonly PortRange[];
}

/**
 * What of the captured is refused where it is UDP (refused-udp.ts). Here `spared` is what is left out, for no rule may say "leave this
 * alone": other tunnels would not be asked.
 *
 * @param captured by TCP, as captured-ports.ts says
 */
export function refusedUdp(
  plan: OwnedPlan,
  family: IpFamily,
  captured: readonly CapturedPorts[],
  facts: UdpFacts,
): RefusedUdp {
  if (plan.udp !== 'reject' || !hasRoomForRefusal(plan, facts)) return { to: [], from: [] };
  const spared = [...exemptAddresses(plan, family), ...facts.neverRefused]
    .filter((address) => familyOf(address) === family)
    .map((address) => addressToNumber(family, address))
    .map((value): readonly Range[] => [{ first: value, last: value }])
    .reduce(uniteRanges, []);
  const known = new Map<readonly Range[], readonly Range[]>();
  const withoutSpared = (ranges: readonly Range[]): readonly Range[] => {
    const left = known.get(ranges) ?? subtractRanges(ranges, spared);
    known.set(ranges, left);
    return left;
  };
  const to = captured
    .map(({ ports, ranges }) => ({
      ports: portsWithout(ports, SPARED_UDP_PORTS),
      ranges: withoutSpared(ranges),
    }))
    .filter(({ ports, ranges }) => ports.length > 0 && ranges.length > 0);
  return { to, from: refusedSources(plan, facts) };
}

function refusedSources({ udpInUse = [] }: OwnedPlan, { ephemeralFrom }: UdpFacts): readonly PortRange[] {
  const inUse = [...new Set(udpInUse)].filter((port) => port >= ephemeralFrom).sort((a, b) => a - b);
  const taken = inUse.map((port) => ({ first: port, last: port }));
  return portsWithout({ first: ephemeralFrom, last: ALL_PORTS.last }, taken);
}

/** @param taken ascending and disjoint */
function portsWithout({ first, last }: PortRange, taken: readonly PortRange[]): readonly PortRange[] {
  const left: PortRange[] = [];
  let start = first;
  for (const { first: cut, last: cutLast } of taken) {
    if (cut > last) break;
    if (cut > start) left.push({ first: start, last: cut - 1 });
    start = Math.max(start, cutLast + 1);
  }
  if (start <= last) left.push({ first: start, last });
  return left;
}

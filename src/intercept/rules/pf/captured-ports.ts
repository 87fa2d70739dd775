import { TshuttleError } from '../../../core/errors.ts';
import { DNS_PORT } from '../../../net/address/endpoint.ts';
import { addressToNumber, type IpFamily } from '../../../net/address/literal.ts';
import { NEVER_CAPTURED } from '../../../net/address/never-captured.ts';
import { ALL_PORTS, type PortRange } from '../../../net/address/port-range.ts';
import { MAX_PF_ENTRIES, MAX_PF_TABLES } from '../plan-limits.ts';
import type { AddressInterval, RedirectPlan } from '../redirect-plan.ts';
import { type Range, subtractRanges, uniteRanges } from './ranges.ts';

/** Ports on which the same addresses are captured. */
export interface CapturedPorts {
  readonly ports: PortRange;
  /** Disjoint and ascending. The same object wherever they are the same. */
  readonly ranges: readonly Range[];
}

/** A group of the plan in numbers. */
interface Layer {
  readonly index: number;
  readonly ports: PortRange;
  readonly decided: readonly Range[];
  readonly captured: readonly Range[];
}

/** Steps that finding out what a plan captures may take: a large plan takes some 100,000, and one made to be slow has no end. */
const MAX_STEPS = 4_000_000;

/**
 * What a plan captures in one family, ports ascending and disjoint. In pf nothing may say "leave this alone, and ask no more", as
 * the chains of nft do: another tunnel's rules would not be asked either. So what is not captured is left out of the ranges: what the
 * groups pass, what no tunnel captures, and the exempt endpoints.
 *
 * Port 53 stands for itself where queries of our own pass by the ports they come from.
 *
 * @throws TshuttleError ERR_CONFIG when that is more than pf holds
 */
export function capturedPorts(plan: RedirectPlan, family: IpFamily): readonly CapturedPorts[] {
  const layers = layersOf(plan, family);
  const exempt = exemptByPort(plan, family);
  const dnsAlone = plan.dns !== null && plan.dns.exemptPorts.length > 0;
  const never = neverCaptured(family);
  const byLayers = new Map<string, readonly Range[]>();
  const byContent = new Map<string, readonly Range[]>();
  const found: CapturedPorts[] = [];
  let steps = 0;

  const withoutExempt = (covering: readonly Layer[]): readonly Range[] => {
    let ranges: readonly Range[] = [];
    for (const layer of covering) {
      steps += ranges.length + layer.decided.length;
      if (steps > MAX_STEPS) throw tooMuchForPf();
      ranges = uniteRanges(subtractRanges(ranges, layer.decided), layer.captured);
    }
    return subtractRanges(ranges, never);
  };

  const sameAs = (ranges: readonly Range[]): readonly Range[] => {
    const key = ranges.map(({ first, last }) => `${first}-${last}`).join();
    const known = byContent.get(key) ?? ranges;
    byContent.set(key, known);
    if (byContent.size > MAX_PF_TABLES) throw tooMuchForPf();
    return known;
  };

  const rangesOn = (port: number): readonly Range[] => {
    const covering = layers.filter(({ ports }) => ports.first <= port && port <= ports.last);
    steps += covering.length;
    const key = covering.map(({ index }) => index).join();
    const ranges = byLayers.get(key) ?? sameAs(withoutExempt(covering));
    byLayers.set(key, ranges);
    const passing = exempt.get(port);
    return passing === undefined ? ranges : sameAs(subtractRanges(ranges, passing));
  };

  const edges = edgesOf([
    ...layers.map(({ ports }) => ports),
    ...[...exempt.keys(), ...(dnsAlone ? [DNS_PORT] : [])].map((port) => ({ first: port, last: port })),
  ]);
  edges.forEach((first, index) => {
    const ports = { first, last: (edges[index + 1] ?? ALL_PORTS.last + 1) - 1 };
    const ranges = rangesOn(first);
    if (ranges.length === 0) return;
    const previous = found.at(-1);
    const stands = dnsAlone && (first === DNS_PORT || previous?.ports.last === DNS_PORT);
    const continues = previous?.ranges === ranges && previous.ports.last + 1 === first && !stands;
    if (continues)
      found[found.length - 1] = { ports: { first: previous.ports.first, last: ports.last }, ranges };
    else found.push({ ports, ranges });
  });
  return found;
}

/** The groups of one family that decide anything, the last to be asked first. */
function layersOf({ groups }: RedirectPlan, family: IpFamily): readonly Layer[] {
  return groups
    .map(({ ports, intervals4, intervals6 }, index) => {
      const intervals = family === 4 ? intervals4 : intervals6;
      const captured = intervals.filter(({ action }) => action === 'capture');
      return { index, ports, decided: rangesOf(family, intervals), captured: rangesOf(family, captured) };
    })
    .filter(({ decided }) => decided.length > 0)
    .reverse();
}

function rangesOf(family: IpFamily, intervals: readonly Omit<AddressInterval, 'action'>[]): readonly Range[] {
  return intervals.map(({ first, last }) => ({
    first: addressToNumber(family, first),
    last: addressToNumber(family, last),
  }));
}

function exemptByPort(plan: RedirectPlan, family: IpFamily): ReadonlyMap<number, readonly Range[]> {
  const byPort = new Map<number, readonly Range[]>();
  for (const { family: ofEndpoint, address, port } of plan.exempt) {
    if (ofEndpoint !== family) continue;
    const value = addressToNumber(family, address);
    byPort.set(port, uniteRanges(byPort.get(port) ?? [], [{ first: value, last: value }]));
  }
  return byPort;
}

function neverCaptured(family: IpFamily): readonly Range[] {
  return NEVER_CAPTURED.filter(({ cidr }) => cidr.family === family)
    .map(({ cidr: { first, last } }): readonly Range[] => [{ first, last }])
    .reduce(uniteRanges, []);
}

/** The first port of every stretch of ports on which the same of these hold. */
function edgesOf(ranges: readonly PortRange[]): readonly number[] {
  const edges = ranges.flatMap(({ first, last }) => [first, last + 1]);
  return [...new Set([ALL_PORTS.first, ...edges])]
    .filter((edge) => edge <= ALL_PORTS.last)
    .sort((a, b) => a - b);
}

/** Says that a plan is too large for pf. */
export function tooMuchForPf(): TshuttleError {
  return new TshuttleError(
    'ERR_CONFIG',
    `the subnets need more than ${MAX_PF_TABLES} tables or ${MAX_PF_ENTRIES} entries, which is all that pf has room for`,
    { remedy: 'use fewer different port ranges, or larger networks' },
  );
}

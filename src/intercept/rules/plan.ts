import { TshuttleError } from '../../core/errors.ts';
import type { CaptureRule } from '../../net/address/capture-rule.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { familyOf, type IpFamily, numberToAddress } from '../../net/address/literal.ts';
import { type PortRange, portCount } from '../../net/address/port-range.ts';
import type { PlainNetwork } from '../../net/address/traffic-source.ts';
import { MAX_GROUPS, MAX_INTERVALS, MAX_LINKS } from './plan-limits.ts';
import type { AddressInterval, AlsoFrom, DnsRedirect, PortGroup, RedirectPlan } from './redirect-plan.ts';
import type { ResolverFiles } from './resolver-files.ts';

/** What a plan is made of. */
export interface PlanRequest {
  readonly rules: readonly CaptureRule[];
  /** Port of our listener on the loopback addresses. */
  readonly listenerPort: number;
  /** Rules of other families are left out. */
  readonly families: readonly IpFamily[];
  readonly exempt: readonly Endpoint[];
  /** Nameservers of other families are left out. */
  readonly dns?: DnsRedirect | undefined;
  /** See {@link RedirectPlan.replies}; plain when left out. */
  readonly replies?: RedirectPlan['replies'];
  /** See {@link RedirectPlan.only}; null when left out. */
  readonly only?: RedirectPlan['only'];
  /** Left alone when left out. */
  readonly udp?: RedirectPlan['udp'];
  /** None when left out. */
  readonly resolverFiles?: ResolverFiles | undefined;
  /** Sources and links of other families are left out. */
  readonly alsoFrom?: AlsoFrom | undefined;
  /** See {@link RedirectPlan.tmark}; null when left out. */
  readonly tmark?: RedirectPlan['tmark'];
}

/**
 * Turns the user's rules into groups of disjoint intervals that decide alike (the order is {@link CaptureRule}'s).
 *
 * Fewest ports first is the order of the groups. Ranges with equally many ports compete by prefix length: where such
 * ranges overlap they are cut into segments, and every segment is decided by all rules that cover it.
 *
 * @throws TshuttleError ERR_CONFIG when the rules overlap in so many ways that the plan passes a limit.
 */
export function planRedirects(request: PlanRequest): RedirectPlan {
  const groups: PortGroup[] = [];
  let intervalCount = 0;
  const rules = request.rules.filter((rule) => request.families.includes(rule.cidr.family));
  for (const sameCount of byPortCount(rules)) {
    for (const segment of segmentsOf(sameCount)) {
      const intervals4 = flatten(segment.rules, 4);
      const intervals6 = flatten(segment.rules, 6);
      groups.push({ ports: segment.ports, intervals4, intervals6 });
      intervalCount += intervals4.length + intervals6.length;
      if (groups.length > MAX_GROUPS || intervalCount > MAX_INTERVALS) throw tooManyCombinations();
    }
  }
  const {
    listenerPort,
    families,
    exempt,
    replies = 'plain',
    only = null,
    udp = 'direct',
    tmark = null,
  } = request;
  const { resolverFiles = null } = request;
  return {
    listenerPort,
    families,
    groups,
    exempt,
    dns: planDns(request),
    replies,
    only,
    udp,
    resolverFiles,
    alsoFrom: planAlsoFrom(request),
    tmark,
  };
}

function planDns({ dns, families }: PlanRequest): DnsRedirect | null {
  if (dns === undefined) return null;
  const usable = dns.redirects.filter(({ nameserver }) => families.includes(familyOf(nameserver)));
  return { ...dns, redirects: usable };
}

function planAlsoFrom({ alsoFrom, families }: PlanRequest): AlsoFrom | null {
  if (alsoFrom === undefined) return null;
  const isUsable = ({ address }: PlainNetwork): boolean => families.includes(familyOf(address));
  const sources = alsoFrom.sources.filter((source) => source.kind === 'interface' || isUsable(source));
  const links = alsoFrom.links.filter(isUsable).slice(0, MAX_LINKS);
  return sources.length === 0 ? null : { sources, links };
}

function tooManyCombinations(): TshuttleError {
  return new TshuttleError(
    'ERR_CONFIG',
    `the subnets make more than ${MAX_GROUPS} port groups or ${MAX_INTERVALS} address intervals`,
    { remedy: 'use fewer different port ranges, or larger networks' },
  );
}

function byPortCount(rules: readonly CaptureRule[]): CaptureRule[][] {
  const groups = new Map<number, CaptureRule[]>();
  for (const rule of rules) {
    const count = portCount(rule.ports);
    const group = groups.get(count);
    if (group === undefined) groups.set(count, [rule]);
    else group.push(rule);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

interface PortSegment {
  readonly ports: PortRange;
  readonly rules: readonly CaptureRule[];
}

/**
 * Cuts the port ranges of `rules`, all equally wide, at each other's edges.
 *
 * Of equally wide ranges the one that starts first ends first, so the ranges over a segment are a sliding window.
 */
function segmentsOf(rules: readonly CaptureRule[]): PortSegment[] {
  const byFirst = new Map<number, CaptureRule[]>();
  for (const rule of rules) {
    const sameRange = byFirst.get(rule.ports.first);
    if (sameRange === undefined) byFirst.set(rule.ports.first, [rule]);
    else sameRange.push(rule);
  }
  const width = portCount(rules[0]!.ports);
  const ranges = [...byFirst].sort(([a], [b]) => a - b).map(([first, covering]) => ({ first, covering }));
  const edges = [...new Set(ranges.flatMap(({ first }) => [first, first + width]))].sort((a, b) => a - b);

  const segments: PortSegment[] = [];
  let start = 0;
  let end = 0;
  edges.slice(0, -1).forEach((first, index) => {
    while (end < ranges.length && ranges[end]!.first <= first) end += 1;
    while (start < end && ranges[start]!.first + width <= first) start += 1;
    if (start === end) return;
    const covering = ranges.slice(start, end).flatMap((range) => range.covering);
    segments.push({ ports: { first, last: edges[index + 1]! - 1 }, rules: covering });
  });
  return segments;
}

/**
 * Paints the networks of one family over each other, the shortest prefix first and excludes after includes.
 *
 * Networks are nested or disjoint, never partly overlapping, so a sweep with a stack of the open ones suffices.
 */
function flatten(rules: readonly CaptureRule[], family: IpFamily): AddressInterval[] {
  const sorted = rules.filter((rule) => rule.cidr.family === family).sort(compareForPainting);
  const painted: PaintedInterval[] = [];
  const open: CaptureRule[] = [];
  let undecidedFrom = 0n;
  const paintUpTo = (last: bigint, rule: CaptureRule): void => {
    paint(painted, undecidedFrom, last, rule.action === 'include' ? 'capture' : 'pass');
    if (undecidedFrom <= last) undecidedFrom = last + 1n;
  };
  const closeInnermost = (): void => {
    const innermost = open.pop()!;
    paintUpTo(innermost.cidr.last, innermost);
  };
  for (const rule of sorted) {
    while (open.length > 0 && open.at(-1)!.cidr.last < rule.cidr.first) closeInnermost();
    const enclosing = open.at(-1);
    if (enclosing !== undefined) paintUpTo(rule.cidr.first - 1n, enclosing);
    undecidedFrom = rule.cidr.first;
    open.push(rule);
  }
  while (open.length > 0) closeInnermost();
  return painted.map(({ first, last, action }) => ({
    first: numberToAddress(family, first),
    last: numberToAddress(family, last),
    action,
  }));
}

function compareForPainting(a: CaptureRule, b: CaptureRule): number {
  if (a.cidr.first !== b.cidr.first) return a.cidr.first < b.cidr.first ? -1 : 1;
  if (a.cidr.prefixLength !== b.cidr.prefixLength) return a.cidr.prefixLength - b.cidr.prefixLength;
  return Number(a.action === 'exclude') - Number(b.action === 'exclude');
}

interface PaintedInterval {
  readonly first: bigint;
  last: bigint;
  readonly action: AddressInterval['action'];
}

function paint(
  painted: PaintedInterval[],
  first: bigint,
  last: bigint,
  action: AddressInterval['action'],
): void {
  if (first > last) return;
  const previous = painted.at(-1);
  if (previous !== undefined && previous.action === action && previous.last + 1n === first) {
    previous.last = last;
  } else {
    painted.push({ first, last, action });
  }
}

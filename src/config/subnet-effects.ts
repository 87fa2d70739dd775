import type { Problem } from '../core/problem.ts';
import {
  type CaptureRule,
  decidingRule,
  formatCaptureRule,
  rulesOverlap,
} from '../net/address/capture-rule.ts';
import { isWithin } from '../net/address/cidr.ts';
import { numberToAddress } from '../net/address/literal.ts';
import { neverCapturedAs } from '../net/address/never-captured.ts';
import { formatPortRange, type PortRange, portCount } from '../net/address/port-range.ts';

/** With more rules than these that could decide over one, it is taken to have an effect. */
const MAX_COMPARED = 64;

/** Of includes with excludes, 50 ms: where both are files of thousands, they are generated and not looked through. */
const MAX_COMPARISONS = 500_000;

/** A rule, and where the user wrote it. */
export interface WrittenRule extends CaptureRule {
  readonly where: string;
}

/** What rules do not do that the user may expect of them. */
export interface SubnetEffects<Rule> {
  /** What happens instead; each names the subnet as the user wrote it. */
  readonly warnings: readonly Problem[];
  /** Includes of which nothing is captured. */
  readonly withoutEffect: ReadonlySet<Rule>;
}

/**
 * Finds the rules that have another effect than they seem to have: networks that are never captured, includes that are excluded
 * whole, excludes that an include with fewer ports comes before, and every address of one family only.
 *
 * @param way `proxied`: by proxies, which carry also what no redirect rule takes
 * @param ipv6 false: the user wants none
 */
export function effectsOf<Rule extends WrittenRule>(
  rules: readonly Rule[],
  { way, ipv6 }: { readonly way: 'redirected' | 'proxied'; readonly ipv6: boolean },
): SubnetEffects<Rule> {
  const warnings: Problem[] = [];
  const withoutEffect = new Set<Rule>();
  const includes = rules.filter(({ action }) => action === 'include');
  const excludes = rules.filter(({ action }) => action === 'exclude');
  const isLookedThrough = includes.length * excludes.length <= MAX_COMPARISONS;
  for (const include of includes) {
    const never = way === 'redirected' ? neverCapturedAs(include.cidr) : undefined;
    const excluded = isLookedThrough ? excludedWhole(include, excludes) : undefined;
    const what =
      never === undefined
        ? excluded
        : `is never captured, it is ${never}: connections there go direct${insteadOf(include)}`;
    if (what === undefined) continue;
    withoutEffect.add(include);
    warnings.push({ where: include.where, what });
  }
  if (isLookedThrough) {
    for (const exclude of excludes) warnings.push(...decidedBefore(exclude, includes));
  }
  if (ipv6) warnings.push(...otherFamilyDirect(includes.filter((include) => !withoutEffect.has(include))));
  return { warnings, withoutEffect };
}

/** `0.0.0.0` and `::` are written by who means every address. */
function insteadOf({ cidr }: CaptureRule): string {
  if (cidr.first !== 0n || cidr.last !== 0n) return '';
  return `; every IPv${cidr.family} address is ${cidr.family === 4 ? '0/0' : '::/0'}`;
}

/** Why nothing of an include is captured, if it is so: the decision changes only where a rule begins or has ended. */
function excludedWhole(include: WrittenRule, excludes: readonly CaptureRule[]): string | undefined {
  const deciding = excludes.filter((exclude) => rulesOverlap(exclude, include));
  if (deciding.length === 0 || deciding.length > MAX_COMPARED) return undefined;
  const { cidr, ports } = include;
  const addresses = beginnings(
    cidr.first,
    cidr.last,
    deciding.map((rule) => rule.cidr),
    (last) => last + 1n,
  );
  const firstPorts = beginnings(
    ports.first,
    ports.last,
    deciding.map((rule) => rule.ports),
    (last) => last + 1,
  );
  const rules: readonly CaptureRule[] = [include, ...deciding];
  const isCaptured = addresses.some((value) => {
    const destination = { family: cidr.family, address: numberToAddress(cidr.family, value) };
    return firstPorts.some((port) => decidingRule(rules, destination, port)?.action === 'include');
  });
  return isCaptured ? undefined : 'is not captured: all of it is excluded, and goes direct';
}

/** Where ranges begin, and where they have just ended, within one of them. */
function beginnings<Value extends bigint | number>(
  first: Value,
  last: Value,
  ranges: ReadonlyArray<{ readonly first: Value; readonly last: Value }>,
  after: (value: Value) => Value,
): readonly Value[] {
  const edges = ranges.flatMap((range) => [range.first, after(range.last)]);
  return [...new Set([first, ...edges.filter((edge) => edge > first && edge <= last)])];
}

/** An include with fewer ports decides before an exclude, however small the excluded network is. */
function decidedBefore(exclude: WrittenRule, includes: readonly WrittenRule[]): readonly Problem[] {
  const stronger = includes.filter(
    (include) =>
      portCount(include.ports) < portCount(exclude.ports) &&
      rulesOverlap(include, exclude) &&
      isWithin(exclude.cidr, include.cidr),
  );
  const first = stronger[0];
  if (first === undefined) return [];
  const ports = common(first.ports, exclude.ports);
  const others = includes.filter((include) => rulesOverlap(include, exclude) && !stronger.includes(include));
  const effect = others.length === 0 ? 'has no effect' : `does not hold for port ${formatPortRange(ports)}`;
  const written = formatCaptureRule({ ...exclude, ports });
  return [
    {
      where: exclude.where,
      what: `${effect}: ${formatCaptureRule(first)} has fewer ports, so it decides and captures; write -x ${written}`,
    },
  ];
}

/** `0/0` sounds like everything, and is every IPv4 address. */
function otherFamilyDirect(includes: readonly WrittenRule[]): readonly Problem[] {
  const whole = includes.find(({ cidr }) => cidr.prefixLength === 0);
  if (whole === undefined) return [];
  const { family } = whole.cidr;
  if (includes.some(({ cidr }) => cidr.family !== family)) return [];
  const [other, add] = family === 4 ? ['IPv6', '::/0'] : ['IPv4', '0/0'];
  const leaveOut = family === 4 ? ', or say that it is meant with --disable-ipv6' : '';
  return [
    {
      where: whole.where,
      what: `captures IPv${family} alone: connections by ${other} go direct; add ${add}${leaveOut}`,
    },
  ];
}

function common(a: PortRange, b: PortRange): PortRange {
  return { first: Math.max(a.first, b.first), last: Math.min(a.last, b.last) };
}

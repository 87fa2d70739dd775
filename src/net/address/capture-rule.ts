import { type Cidr, formatCidr, rangesOverlap } from './cidr.ts';
import { addressToNumber, type IpFamily } from './literal.ts';
import { ALL_PORTS, formatPortRange, type PortRange, portCount } from './port-range.ts';

/**
 * What the user asked for: capture a network, or never capture it, on some ports.
 *
 * Of all rules that match a destination one decides: the one with the fewest ports; of these the longest prefix; of
 * these an exclude (sshuttle's order, `subnet_weight` in its firewall.py). No match means: not captured.
 */
export interface CaptureRule {
  readonly action: 'include' | 'exclude';
  readonly cidr: Cidr;
  readonly ports: PortRange;
}

/** Renders `10.0.0.0/8`, `10.0.0.0/8:443`, `[2001:db8::/32]:8000-9000`. */
export function formatCaptureRule(rule: CaptureRule): string {
  const cidr = formatCidr(rule.cidr);
  if (rule.ports.first === ALL_PORTS.first && rule.ports.last === ALL_PORTS.last) return cidr;
  return rule.cidr.family === 6
    ? `[${cidr}]:${formatPortRange(rule.ports)}`
    : `${cidr}:${formatPortRange(rule.ports)}`;
}

/**
 * The rule that decides over a destination, undefined when none matches it. The redirect rules of the kernel are made from
 * the same order in another way.
 *
 * @param port undefined: as if every rule were for all ports
 */
export function decidingRule<Rule extends CaptureRule>(
  rules: readonly Rule[],
  { family, address }: { readonly family: IpFamily; readonly address: string },
  port: number | undefined,
): Rule | undefined {
  const value = addressToNumber(family, address);
  let deciding: Rule | undefined;
  for (const rule of rules) {
    const { cidr, ports } = rule;
    if (cidr.family !== family || value < cidr.first || value > cidr.last) continue;
    if (port !== undefined && (port < ports.first || port > ports.last)) continue;
    if (deciding === undefined || goesBefore(rule, deciding, port !== undefined)) deciding = rule;
  }
  return deciding;
}

function goesBefore(a: CaptureRule, b: CaptureRule, byPorts: boolean): boolean {
  const fewerPorts = byPorts ? portCount(b.ports) - portCount(a.ports) : 0;
  if (fewerPorts !== 0) return fewerPorts > 0;
  if (a.cidr.prefixLength !== b.cidr.prefixLength) return a.cidr.prefixLength > b.cidr.prefixLength;
  return a.action === 'exclude' && b.action === 'include';
}

/** Whether some destination is matched by both. */
export function rulesOverlap(a: CaptureRule, b: CaptureRule): boolean {
  return rangesOverlap(a.cidr, b.cidr) && a.ports.first <= b.ports.last && b.ports.first <= a.ports.last;
}

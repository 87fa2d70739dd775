import { type Cidr, formatCidr } from './cidr.ts';
import { ALL_PORTS, formatPortRange, type PortRange } from './port-range.ts';

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

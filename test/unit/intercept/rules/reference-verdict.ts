import type { CaptureRule } from '../../../../src/net/address/capture-rule.ts';
import type { Cidr } from '../../../../src/net/address/cidr.ts';
import type { IpFamily } from '../../../../src/net/address/literal.ts';
import { type PortRange, portCount } from '../../../../src/net/address/port-range.ts';

/** What is to happen to a connection. */
export type Verdict = 'capture' | 'pass';

/** The order as a user reads it: filter, sort, take the first. */
export function referenceVerdict(
  rules: readonly CaptureRule[],
  family: IpFamily,
  address: bigint,
  port: number,
): Verdict {
  const [winner] = rules
    .filter(({ cidr, ports }) => cidr.family === family && holds(cidr, address) && holdsPort(ports, port))
    .sort(
      (a, b) =>
        portCount(a.ports) - portCount(b.ports) ||
        b.cidr.prefixLength - a.cidr.prefixLength ||
        (a.action === b.action ? 0 : a.action === 'exclude' ? -1 : 1),
    );
  return winner?.action === 'include' ? 'capture' : 'pass';
}

function holds(cidr: Cidr, address: bigint): boolean {
  return cidr.first <= address && address <= cidr.last;
}

/** Whether the port is in the range. */
export function holdsPort(ports: PortRange, port: number): boolean {
  return ports.first <= port && port <= ports.last;
}

import type { CaptureRule } from '../../../../src/net/address/capture-rule.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';
import { ALL_PORTS, parsePortRange } from '../../../../src/net/address/port-range.ts';

/** A capture rule from `10.0.0.0/8`, `10.0.0.0/8:443` or, for IPv6, without ports. */
export function rule(text: string, action: CaptureRule['action'] = 'include'): CaptureRule {
  const [, network = '', portText] = /^([\d./]+|[\da-f:/]+)(?::([\d-]+))?$/.exec(text) ?? [];
  const cidr = parseCidr(network);
  const ports = portText === undefined ? ALL_PORTS : parsePortRange(portText);
  if (cidr === undefined || ports === undefined) throw new Error(`not a rule: ${text}`);
  return { action, cidr, ports };
}

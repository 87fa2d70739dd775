import { type CaptureRule, decidingRule } from '../../net/address/capture-rule.ts';
import { type Cidr, formatCidr, isWithin, middleOf } from '../../net/address/cidr.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { type IpFamily, numberToAddress } from '../../net/address/literal.ts';
import { neverCapturedAs } from '../../net/address/never-captured.ts';

/** With more networks than these only the first are tried: the start must not be delayed. */
const MAX_NETWORKS = 128;
/** Routes within captured networks that refuse connections. */
const MAX_REFUSED = 16;

/** A connection that the rules should bring to us. */
export interface ProbeTarget {
  readonly family: IpFamily;
  readonly address: string;
  readonly port: number;
  /** The network it stands for, for people. */
  readonly network: string;
}

/**
 * Chooses a connection for each captured network, and for each route within one that refuses connections. Where the rules fail
 * it leaves this machine: so it goes to the middle of the network, and to the highest port that is captured there, which is
 * hardly anybody's.
 *
 * @param refused networks that the kernel's routes refuse
 */
export function probeTargets(
  rules: readonly CaptureRule[],
  exempt: readonly Endpoint[],
  refused: readonly Cidr[],
): readonly ProbeTarget[] {
  const includes = new Map<string, CaptureRule>();
  for (const rule of rules) {
    if (rule.action !== 'include' || includes.size >= MAX_NETWORKS) continue;
    const network = formatCidr(rule.cidr);
    if (!includes.has(network)) includes.set(network, rule);
  }
  const captured = [...includes.values()];
  const within = refused
    .flatMap((cidr) => {
      const around = captured.find((rule) => isWithin(cidr, rule.cidr));
      return around === undefined ? [] : [{ ...around, cidr }];
    })
    .slice(0, MAX_REFUSED);
  return [...captured, ...within].flatMap((rule) => targetOf(rule, rules, exempt) ?? []);
}

function targetOf(
  { cidr, ports }: CaptureRule,
  rules: readonly CaptureRule[],
  exempt: readonly Endpoint[],
): ProbeTarget | undefined {
  const { family } = cidr;
  const middle = middleOf(cidr);
  for (const value of new Set([middle, cidr.first < middle ? middle - 1n : middle])) {
    if (neverCapturedAs({ family, first: value, last: value }) !== undefined) continue;
    const address = numberToAddress(family, value);
    for (const port of new Set([ports.last, ports.first])) {
      if (exempt.some((endpoint) => endpoint.address === address && endpoint.port === port)) continue;
      if (decidingRule(rules, { family, address }, port)?.action !== 'include') continue;
      return { family, address, port, network: formatCidr(cidr) };
    }
  }
  return undefined;
}

import type { Config } from '../../../config/config.ts';
import type { WrittenRule } from '../../../config/subnet-effects.ts';
import { type NameRoute, routeName } from '../../../dns/zone/name-routes.ts';
import { decidingRule, formatCaptureRule } from '../../../net/address/capture-rule.ts';
import { type Cidr, formatCidr, isWithin, rangeOfAddress } from '../../../net/address/cidr.ts';
import { DNS_PORT, type Endpoint, formatEndpoint, formatHostPort } from '../../../net/address/endpoint.ts';
import type { IpFamily } from '../../../net/address/literal.ts';
import { type NetworkMap, toLocal, toRemote } from '../../../net/address/network-map.ts';
import { neverCapturedAs } from '../../../net/address/never-captured.ts';
import { parseCidr } from '../../../net/address/parse-cidr.ts';
import { formatPortRange, type PortRange } from '../../../net/address/port-range.ts';
import { formatZone } from '../../../net/address/zone.ts';

/** An address, on one port or on all. */
export interface Destination {
  readonly family: IpFamily;
  readonly address: string;
  readonly port: number | undefined;
}

/** The facts from which a destination is explained. */
export interface Facts {
  readonly rules: readonly WrittenRule[];
  /** The bastion, or what is dialled first on the way there. */
  readonly exempt: readonly Endpoint[];
  readonly isOwnAddress: (address: string) => boolean;
  /** Nameservers whose queries are captured. */
  readonly nameservers: readonly string[];
  /** What addresses that stand for names are taken from; none without zones. */
  readonly syntheticRanges: readonly Cidr[];
}

/** Says for an address which rule decides, a line for each range of ports that is decided alike. */
export function explainAddress(destination: Destination, facts: Facts): readonly string[] {
  const { address, port } = destination;
  const where = port === undefined ? address : formatHostPort(address, port);
  if (port === DNS_PORT && facts.nameservers.includes(address)) {
    return [`${where}: its queries are captured and answered as --dns and --domain say`];
  }
  const never = whyNeverCaptured(address, facts.isOwnAddress);
  if (never !== undefined) return [`${where}: never captured, ${never}`];
  const range = facts.syntheticRanges.find((one) => contains(one, destination));
  if (range !== undefined) {
    const rest = 'the bastion connects to that, or it is reset when it stands for none';
    return [`${where}: captured, an address of ${formatCidr(range)} stands for a name, and ${rest}`];
  }
  const exempt = facts.exempt.filter((endpoint) => endpoint.address === address);
  const isExempt = exempt.some((endpoint) => port === undefined || endpoint.port === port);
  if (isExempt && port !== undefined) return [`${where}: never captured, it leads to the bastion`];
  const lines = segmentsOf(destination, facts.rules).map(({ ports, rule }) => {
    const isWhole = port !== undefined || portsAreAll(ports);
    const place = isWhole ? where : `${formatHostPort(address, ports.first)}${rangeEnd(ports)}`;
    return `${place}: ${describeRule(rule)}`;
  });
  return [
    ...lines,
    ...(isExempt
      ? exempt.map((one) => `${formatEndpoint(one)}: never captured, it leads to the bastion`)
      : []),
  ];
}

/** Says which address stands for another one, where one does. */
export function explainMaps(address: string, maps: readonly NetworkMap[]): readonly string[] {
  const [remote, local] = [toRemote(maps, address), toLocal(maps, address)];
  if (remote !== undefined) return [`${address}: carried to ${remote} behind the bastion, by --map`];
  return local === undefined
    ? []
    : [`${address}: the one behind the bastion is reached by ${local}, by --map`];
}

/** Says who answers for a name; and whether its addresses tell where a connection goes, or the name does. */
export function explainName(
  name: string,
  dns: Config['dns'],
  wayToBastion: readonly string[],
): { readonly line: string; readonly by: 'addresses' | 'name'; readonly addresses?: readonly string[] } {
  const resolvesHere = { by: 'addresses' } as const;
  if (dns === undefined) return { ...resolvesHere, line: `${name}: resolved by this machine, as ever` };
  const route = routeName(name, { ...dns, wayToBastion });
  switch (route.kind) {
    case 'asked-resolver':
      return {
        ...resolvesHere,
        line: `${name}: resolved by this machine, as ever: ${REASONS[route.because]}`,
      };
    case 'static':
      return {
        ...resolvesHere,
        addresses: route.addresses,
        line: `${name}: ${route.addresses.join(', ')} by --host`,
      };
    case 'bastion-side':
      return explainBastionSide(name, dns, route);
  }
}

const REASONS: Readonly<Record<Extract<NameRoute, { kind: 'asked-resolver' }>['because'], string>> = {
  'in-no-zone': 'it is in no zone of --domain',
  'way-to-bastion': 'it leads to the bastion',
};

function explainBastionSide(
  name: string,
  dns: NonNullable<Config['dns']>,
  { zone }: Extract<NameRoute, { kind: 'bastion-side' }>,
): ReturnType<typeof explainName> {
  const why = zone === undefined ? '--dns' : `--domain ${formatZone(zone)}`;
  const resolvers = dns.resolvers.map(formatEndpoint).join(', ') || "the bastion's own resolver";
  const range = formatCidr(dns.syntheticRanges.range4);
  const byName = `an address of ${range} stands for it, and the bastion connects to the name`;
  if (zone === undefined)
    return { by: 'name', line: `${name}: ${why}: ${resolvers} answers; a SUBNET must have the address` };
  if (dns.resolvers.length === 0 || dns.resolve === 'bastion')
    return { by: 'name', line: `${name}: ${why}: ${byName}` };
  const otherwise = `where it does not answer, or no SUBNET has the address, ${byName}`;
  return { by: 'name', line: `${name}: ${why}: ${resolvers} answers; ${otherwise}` };
}

/** What keeps every tunnel from capturing an address; undefined where nothing does. */
export function whyNeverCaptured(
  address: string,
  isOwnAddress: (address: string) => boolean,
): string | undefined {
  const what = isOwnAddress(address) ? 'this machine itself' : neverCapturedAs(parseCidr(address)!);
  return what === undefined ? undefined : `it is ${what}`;
}

function contains(range: Cidr, { family, address }: Destination): boolean {
  return isWithin(rangeOfAddress(family, address), range);
}

interface Segment {
  readonly ports: PortRange;
  readonly rule: WrittenRule | undefined;
}

/** Ranges of ports with one deciding rule each. */
function segmentsOf(destination: Destination, rules: readonly WrittenRule[]): readonly Segment[] {
  if (destination.port !== undefined) {
    const ports = { first: destination.port, last: destination.port };
    return [{ ports, rule: decidingRule(rules, destination, destination.port) }];
  }
  const starts = new Set([1, ...rules.flatMap(({ ports }) => [ports.first, ports.last + 1])]);
  const firsts = [...starts].filter((first) => first <= LAST_PORT).sort((a, b) => a - b);
  const segments: Segment[] = [];
  firsts.forEach((first, index) => {
    const last = (firsts[index + 1] ?? LAST_PORT + 1) - 1;
    const rule = decidingRule(rules, destination, first);
    const before = segments.at(-1);
    if (before !== undefined && before.rule === rule) {
      segments[segments.length - 1] = { rule, ports: { first: before.ports.first, last } };
    } else segments.push({ rule, ports: { first, last } });
  });
  return segments;
}

const LAST_PORT = 65_535;

function portsAreAll({ first, last }: PortRange): boolean {
  return first === 1 && last === LAST_PORT;
}

function rangeEnd(ports: PortRange): string {
  return formatPortRange(ports).slice(String(ports.first).length);
}

function describeRule(rule: WrittenRule | undefined): string {
  if (rule === undefined) return 'not captured, no SUBNET has it';
  const text = formatCaptureRule(rule);
  const written = rule.where === text || rule.where === `-x ${text}` ? '' : ` (${rule.where})`;
  return rule.action === 'include'
    ? `captured by ${text}${written}`
    : `not captured, excluded by -x ${text}${written}`;
}

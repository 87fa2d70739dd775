import { isIP } from 'node:net';
import type { Problem } from '../core/problem.ts';
import { type Cidr, parseCidr } from '../net/address/cidr.ts';
import { canonicalIpv6, type Endpoint, type IpFamily, makeEndpoint } from '../net/address/endpoint.ts';
import { parseZone, type Zone } from '../net/address/zone.ts';
import type { DnsOption } from './config.ts';
import { type PlaceOf, placeOnCommandLine } from './place.ts';
import { parsePort } from './ports.ts';

const DNS_PORT = 53;

/** Libc asks no more than 3 (resolv.conf(5)), and a client has given up before as many have timed out. */
const MAX_RESOLVERS = 3;
const MAX_NAMESERVERS = 16;

/** What was asked for, undefined when DNS is to be left alone; or all that is wrong. */
export type DnsResult =
  | { readonly kind: 'dns'; readonly dns: DnsOption | undefined }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/** The values of the options of DNS. */
export interface RawDns {
  readonly dns: boolean;
  readonly nameservers?: string | undefined;
  readonly resolvers?: string | undefined;
  readonly domains: readonly string[];
  readonly hosts: readonly string[];
  readonly autoHosts?: boolean | undefined;
  readonly seedHosts?: string | undefined;
  readonly resolve?: string | undefined;
  readonly syntheticRanges?: string | undefined;
}

/** Checks the options of DNS together. */
export function parseDns(raw: RawDns, placeOf: PlaceOf = placeOnCommandLine): DnsResult {
  const problems: Problem[] = [];
  const wrong: Wrong = (option, text, what) => void problems.push({ where: placeOf(option, text), what });
  const dns = {
    nameservers: parseAddresses(raw, wrong),
    resolvers: parseResolvers(raw, wrong),
    // As sshuttle has it, --ns-hosts alone means all names.
    everything: raw.dns || (raw.nameservers !== undefined && !hasZone(raw)),
    zones: [
      ...raw.domains.flatMap((text) => parseDomain(text, wrong) ?? []),
      ...seedHostsOf(raw).flatMap((text) => parseSeedHost(text, wrong) ?? []),
    ],
    bastionHosts: raw.autoHosts === true,
    hosts: raw.hosts.flatMap((text) => parseHost(text, wrong) ?? []),
    resolve: parseResolve(raw, wrong),
    syntheticRanges: parseRanges(raw, wrong),
  };
  const isWanted = dns.everything || hasZone(raw);
  if (raw.resolvers !== undefined && !isWanted) {
    wrong('--to-ns', raw.resolvers, 'has no effect without --dns, --ns-hosts or --domain');
  }
  if (problems.length > 0) return { kind: 'invalid', problems };
  return { kind: 'dns', dns: isWanted || dns.bastionHosts || dns.hosts.length > 0 ? dns : undefined };
}

/** Whether names of the bastion's side are asked for, which is something to capture. */
export function hasZone(raw: Pick<RawDns, 'domains' | 'seedHosts'>): boolean {
  return raw.domains.length > 0 || raw.seedHosts !== undefined;
}

/** 198.18.0.0/15 is for benchmarks (RFC 2544) and never on the internet; the other is a ULA range (RFC 4193) drawn by lot. */
export const DEFAULT_RANGES = '198.18.0.0/15,fd9b:4e27:6cd1::/96';

/** What is divided between the tunnels of a machine has room for a few names then. */
const MAX_PREFIX_LENGTHS: Readonly<Record<IpFamily, number>> = { 4: 25, 6: 112 };
const MIN_PREFIX_LENGTHS: Readonly<Record<IpFamily, number>> = { 4: 8, 6: 32 };

type Wrong = (option: string, text: string, what: string) => void;

function parseAddresses(raw: RawDns, wrong: Wrong): DnsOption['nameservers'] {
  const { nameservers } = raw;
  if (nameservers === undefined) return 'system';
  const addresses = nameservers.split(',').flatMap((text) => {
    const address = parseAddress(text);
    if (address === undefined)
      wrong('--ns-hosts', nameservers, `has ${text || 'nothing'} for an address, as in 192.0.2.53`);
    return address ?? [];
  });
  if (addresses.length > MAX_NAMESERVERS)
    wrong('--ns-hosts', nameservers, `has more than ${MAX_NAMESERVERS} addresses`);
  return [...new Set(addresses)];
}

function parseResolvers(raw: RawDns, wrong: Wrong): readonly Endpoint[] {
  if (raw.resolvers === undefined) return [];
  const wanted = raw.resolvers;
  const resolvers = wanted.split(',').flatMap((text) => {
    const resolver = parseResolver(text);
    if (resolver === undefined)
      wrong('--to-ns', wanted, `has ${text || 'nothing'} where IP, IP:PORT or [IPV6]:PORT belongs`);
    return resolver ?? [];
  });
  if (resolvers.length > MAX_RESOLVERS) wrong('--to-ns', wanted, `has more than ${MAX_RESOLVERS} resolvers`);
  return resolvers;
}

function parseResolve(raw: RawDns, wrong: Wrong): DnsOption['resolve'] {
  const { resolve = 'auto' } = raw;
  if (resolve === 'bastion' && !hasZone(raw)) {
    wrong('--resolve', 'bastion', 'has no effect without --domain');
  }
  if (resolve === 'auto' || resolve === 'bastion') return resolve;
  wrong('--resolve', resolve, 'is not one of auto, bastion');
  return 'auto';
}

function parseRanges(raw: RawDns, wrong: Wrong): DnsOption['syntheticRanges'] {
  const ranges = { 4: rangeOf(4, DEFAULT_RANGES), 6: rangeOf(6, DEFAULT_RANGES) };
  const wanted = raw.syntheticRanges ?? '';
  for (const text of raw.syntheticRanges?.split(',') ?? []) {
    const cidr = parseCidr(text);
    if (cidr === undefined) {
      wrong('--synthetic-range', wanted, `has ${text || 'nothing'} for a network, as in 198.18.0.0/15`);
      continue;
    }
    const { family, prefixLength } = cidr;
    const [min, max] = [MIN_PREFIX_LENGTHS[family], MAX_PREFIX_LENGTHS[family]];
    if (prefixLength < min || prefixLength > max)
      wrong('--synthetic-range', wanted, `has /${prefixLength} and not /${min} to /${max}`);
    ranges[family] = cidr;
  }
  return { range4: ranges[4], range6: ranges[6] };
}

function rangeOf(family: IpFamily, text: string): Cidr {
  return text
    .split(',')
    .flatMap((network) => parseCidr(network) ?? [])
    .find((cidr) => cidr.family === family)!;
}

function parseDomain(text: string, wrong: Wrong): Zone | undefined {
  const zone = parseZone(text);
  if (zone === undefined) wrong('--domain', text, 'is no zone, as in internal.example or *.internal.example');
  return zone;
}

function seedHostsOf({ seedHosts }: RawDns): readonly string[] {
  return seedHosts?.split(',') ?? [];
}

/** sshuttle begins its scan with them; here the bastion resolves them, as it does a zone. */
function parseSeedHost(text: string, wrong: Wrong): Zone | undefined {
  const zone = parseZone(text);
  if (zone?.includes === 'itself-and-below') return zone;
  wrong('--seed-hosts', text, 'is no name, as in --seed-hosts db,cache.internal.example');
  return undefined;
}

function parseHost(text: string, wrong: Wrong): DnsOption['hosts'][number] | undefined {
  const [, name = '', addressText = ''] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  const zone = name.startsWith('.') ? undefined : parseZone(name);
  const address = parseAddress(addressText);
  if (zone?.includes === 'itself-and-below' && address !== undefined) return { name: zone.name, address };
  wrong('--host', text, 'is not NAME=IP, as in --host db.internal.example=10.0.0.8');
  return undefined;
}

function parseAddress(text: string): string | undefined {
  if (isIP(text) === 4) return text;
  return isIP(text) === 6 && !text.includes('%') ? canonicalIpv6(text) : undefined;
}

function parseResolver(text: string): Endpoint | undefined {
  if (isIP(text) !== 0) return makeEndpoint(text, DNS_PORT);
  const [, address, portText] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? /^([^:]*):([^:]*)$/.exec(text) ?? [];
  if (address === undefined) return undefined;
  if (portText === undefined) return makeEndpoint(address, DNS_PORT);
  const port = parsePort(portText);
  return port.kind === 'invalid' ? undefined : makeEndpoint(address, port.port);
}

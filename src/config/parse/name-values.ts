import { isIP } from 'node:net';
import type { Cidr } from '../../net/address/cidr.ts';
import { DNS_PORT, type Endpoint, makeEndpoint } from '../../net/address/endpoint.ts';
import { canonicalAddress, type IpFamily } from '../../net/address/literal.ts';
import { parseCidr } from '../../net/address/parse-cidr.ts';
import { parseZone, type Zone } from '../../net/address/zone.ts';
import { Invalid } from './invalid.ts';
import { parsePort } from './port.ts';

/** Told what is wrong with a value. */
interface Report {
  wrong(what: string): undefined;
  /** With one of its items. */
  wrongItem(item: string, what: string): undefined;
}

/** Libc asks no more than 3 (resolv.conf(5)), and a client has given up before as many have timed out. */
const MAX_RESOLVERS = 3;
const MAX_NAMESERVERS = 16;

/** What is divided between the tunnels of a machine has room for a few names then. */
const MAX_PREFIX_LENGTHS: Readonly<Record<IpFamily, number>> = { 4: 25, 6: 112 };
const MIN_PREFIX_LENGTHS: Readonly<Record<IpFamily, number>> = { 4: 8, 6: 32 };

/** Reads `192.0.2.53,2001:db8::53`: each address once, in its canonical form. */
export function readNameservers(text: string, { wrong }: Report): readonly string[] {
  const addresses = text.split(',').flatMap((item) => {
    return canonicalAddress(item) ?? wrong(`has ${item || 'nothing'} for an address, as in 192.0.2.53`) ?? [];
  });
  if (addresses.length > MAX_NAMESERVERS) wrong(`has more than ${MAX_NAMESERVERS} addresses`);
  return [...new Set(addresses)];
}

/** Reads `10.0.0.2,10.0.0.3:5353,[fd00::53]:5353`. */
export function readResolvers(text: string, { wrong }: Report): readonly Endpoint[] {
  const resolvers = text.split(',').flatMap((item) => {
    return (
      parseResolver(item) ?? wrong(`has ${item || 'nothing'} where IP, IP:PORT or [IPV6]:PORT belongs`) ?? []
    );
  });
  if (resolvers.length > MAX_RESOLVERS) wrong(`has more than ${MAX_RESOLVERS} resolvers`);
  return resolvers;
}

/** Reads `198.18.0.0/15,fd00::/64`; of several networks of a family the last counts. */
export function readSyntheticRanges(
  text: string,
  { wrong }: Report,
): { readonly range4?: Cidr; readonly range6?: Cidr } {
  const ranges: { range4?: Cidr; range6?: Cidr } = {};
  for (const item of text.split(',')) {
    const cidr = parseCidr(item);
    if (cidr === undefined) {
      wrong(`has ${item || 'nothing'} for a network, as in 198.18.0.0/15`);
      continue;
    }
    const { family, prefixLength } = cidr;
    const [min, max] = [MIN_PREFIX_LENGTHS[family], MAX_PREFIX_LENGTHS[family]];
    if (prefixLength < min || prefixLength > max) wrong(`has /${prefixLength} and not /${min} to /${max}`);
    ranges[family === 4 ? 'range4' : 'range6'] = cidr;
  }
  return ranges;
}

/** Reads a zone of `--domain`. */
export function readZone(text: string, { wrong }: Report): Zone | undefined {
  return parseZone(text) ?? wrong('is no zone, as in internal.example or *.internal.example');
}

/** Reads `db,cache.internal.example`. Sshuttle begins its scan with them; here the bastion resolves them, as it does a zone. */
export function readSeedHosts(text: string, { wrongItem }: Report): readonly Zone[] {
  return text.split(',').flatMap((item) => {
    const zone = parseZone(item);
    if (zone?.includes === 'itself-and-below') return zone;
    return wrongItem(item, 'is no name, as in --seed-hosts db,cache.internal.example') ?? [];
  });
}

/** Reads `db.internal.example=10.0.0.8`. */
export function readHostAddress(
  text: string,
  { wrong }: Report,
): { readonly name: string; readonly address: string } | undefined {
  const [, name = '', addressText = ''] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  const zone = name.startsWith('.') ? undefined : parseZone(name);
  const address = canonicalAddress(addressText);
  if (zone?.includes === 'itself-and-below' && address !== undefined) return { name: zone.name, address };
  return wrong('is not NAME=IP, as in --host db.internal.example=10.0.0.8');
}

function parseResolver(text: string): Endpoint | undefined {
  if (isIP(text) !== 0) return makeEndpoint(text, DNS_PORT);
  const [, address, portText] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? /^([^:]*):([^:]*)$/.exec(text) ?? [];
  if (address === undefined) return undefined;
  if (portText === undefined) return makeEndpoint(address, DNS_PORT);
  const port = parsePort(portText);
  return port instanceof Invalid ? undefined : makeEndpoint(address, port);
}

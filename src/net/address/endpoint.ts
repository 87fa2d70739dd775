import { isIP } from 'node:net';

/** 4 for IPv4, 6 for IPv6. */
export type IpFamily = 4 | 6;

/** A literal address and a port. `address` is canonical: never IPv4-mapped IPv6, IPv6 as in RFC 5952. */
export interface Endpoint {
  readonly family: IpFamily;
  readonly address: string;
  readonly port: number;
}

/** A host, which may be a name, and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Makes an endpoint of a literal address; IPv4-mapped IPv6 (`::ffff:10.0.0.1`, as Node shows on dual-stack sockets)
 * becomes IPv4.
 *
 * @returns undefined when `address` is not a literal address or `port` is not 1 to 65535.
 */
export function makeEndpoint(address: string, port: number): Endpoint | undefined {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  const literal = withoutMapping(address);
  const family = isIP(literal);
  if (family === 4) return { family, address: literal, port };
  // A zone index (fe80::1%eth0) has no place in an endpoint: link-local destinations are never captured.
  return family === 6 && !literal.includes('%')
    ? { family, address: canonicalIpv6(literal), port }
    : undefined;
}

/** The IPv4 address in an IPv4-mapped one, which has several spellings; any other as it is. */
function withoutMapping(address: string): string {
  if (!address.includes(':') || !/ffff:[^:]/i.test(address) || isIP(address) !== 6 || address.includes('%'))
    return address;
  const digits = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonicalIpv6(address));
  if (digits === null) return address;
  const [high, low] = [Number.parseInt(digits[1]!, 16), Number.parseInt(digits[2]!, 16)];
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

/** The RFC 5952 form of a literal IPv6 address without zone: the URL parser compresses as the rest of Node does. */
export function canonicalIpv6(literal: string): string {
  return new URL(`http://[${literal}]/`).hostname.slice(1, -1);
}

/** A host as an endpoint where it is a literal address, and as it is where it is a name. */
export function toDestination({ host, port }: HostPort): Endpoint | HostPort {
  return makeEndpoint(host, port) ?? { host, port };
}

/** Renders `10.0.0.1:22`, `[2001:db8::1]:22` or `name:22`. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Renders an endpoint as {@link formatHostPort} does. */
export function formatEndpoint(endpoint: Endpoint): string {
  return formatHostPort(endpoint.address, endpoint.port);
}

/** Whether both name the same address and port. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}

/** Whether a literal address is one of the machine itself: 127.0.0.0/8, ::1, and the same mapped. */
export function isLoopback(address: string): boolean {
  return /^(?:::ffff:)?127\./i.test(address) || (address.includes(':') && canonicalIpv6(address) === '::1');
}

import { isIP } from 'node:net';
import { bytesToAddress, canonicalIpv6, familyOf, type IpFamily, withoutMapping } from './literal.ts';

/** A literal address and a port. `address` is canonical: never IPv4-mapped IPv6, IPv6 as in RFC 5952. */
export interface Endpoint {
  readonly family: IpFamily;
  readonly address: string;
  readonly port: number;
}

/** Where nameservers listen, by UDP and TCP (RFC 1035 section 4.2). */
export const DNS_PORT = 53;

/** A host, which may be a name, and a port; or a unix socket, see {@link socketAt}. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A unix socket as a destination: its absolute path is the host, and its port is 0, which no other destination has. */
export function socketAt(path: string): HostPort {
  return { host: path, port: 0 };
}

/** The path of a destination that is a unix socket. No host begins with a slash. */
export function socketPathOf({ host }: HostPort): string | undefined {
  return host.startsWith('/') ? host : undefined;
}

/**
 * Makes an endpoint of a literal address; IPv4-mapped IPv6 (`::ffff:10.0.0.1`, as Node shows on dual-stack sockets)
 * becomes IPv4.
 *
 * @returns undefined when `address` is not a literal address or `port` is not 1 to 65535.
 */
export function makeEndpoint(address: string, port: number): Endpoint | undefined {
  if (!isPort(port)) return undefined;
  const family = isIP(address);
  if (family === 4) return { family, address, port };
  // A zone index (fe80::1%eth0) has no place in an endpoint: link-local destinations are never captured.
  return family === 6 && !address.includes('%') ? ofCanonical(canonicalIpv6(address), port) : undefined;
}

/**
 * Makes an endpoint of an address as the kernel has it, in network order.
 *
 * @returns undefined when there are not 4 or 16 bytes, or `port` is not 1 to 65535.
 */
export function endpointOfBytes(bytes: Buffer, port: number): Endpoint | undefined {
  return isPort(port) && (bytes.length === 4 || bytes.length === 16)
    ? ofCanonical(bytesToAddress(bytes), port)
    : undefined;
}

function ofCanonical(canonical: string, port: number): Endpoint {
  const address = withoutMapping(canonical);
  return { family: familyOf(address), address, port };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** A host in its canonical form where it is a literal address, and as it is where it is a name. */
export function toDestination({ host, port }: HostPort): HostPort {
  return { host: makeEndpoint(host, port)?.address ?? host, port };
}

/** Renders `10.0.0.1:22`, `[2001:db8::1]:22` or `name:22`, and a unix socket as its path. */
export function formatHostPort(host: string, port: number): string {
  if (host.startsWith('/')) return host;
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

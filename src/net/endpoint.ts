import { isIP } from 'node:net';

/** 4 for IPv4, 6 for IPv6. */
export type IpFamily = 4 | 6;

/** A literal address and a port. `address` is normalised: never IPv4-mapped IPv6, IPv6 in lower case. */
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
  const text = address.toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1];
  const literal = mapped ?? text;
  const family = isIP(literal);
  return family === 4 || family === 6 ? { family, address: literal, port } : undefined;
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

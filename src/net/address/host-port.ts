import { isIPv6 } from 'node:net';
import type { HostPort } from './endpoint.ts';
import { isHostName } from './host-name.ts';

/** Parses `host:port`, `[2001:db8::1]:443`: the authority of a URL, both parts there (RFC 9110 section 9.3.6). */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:@/?#[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, portText] = match;
  const port = Number(portText);
  const host = bracketed ?? plain ?? '';
  if (port < 1 || port > 65_535 || !isHostName(host)) return undefined;
  return bracketed === undefined || isIPv6(bracketed) ? { host, port } : undefined;
}

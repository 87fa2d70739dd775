import { isIP, isIPv6 } from 'node:net';
import type { HostPort } from './endpoint.ts';

/** The longest name as text, with the dot that may end it (RFC 1035 section 2.3.4). */
const MAX_NAME_CHARACTERS = 254;

/** Whether text from a client may go to the bastion, and into a log, as a host: a literal address or the characters of names. */
export function isHostName(text: string): boolean {
  if (text.length > MAX_NAME_CHARACTERS) return false;
  return /^[a-z0-9_.-]+$/i.test(text) ? !/^\.|\.\./.test(text) : isIP(text) !== 0 && !text.includes('%');
}

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

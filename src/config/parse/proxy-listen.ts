import { isIP } from 'node:net';
import { Invalid } from './invalid.ts';
import { parsePort } from './port.ts';

/** Where a server of ours listens. */
export interface ListenPlace {
  /** A literal address. */
  readonly address: string;
  /** 0 is a free one of the kernel's choice. */
  readonly port: number;
}

/** What clients of the proxies must show. */
export interface ProxyLogin {
  readonly user: string;
  /** Never shown and never logged. */
  readonly password: string;
}

const LOOPBACK = '127.0.0.1';

/** Parses `1080`, `127.0.0.1:1080`, `[::1]:1080`. Without an address nobody but this machine can connect. */
export function parseProxyListen(text: string): ListenPlace | Invalid {
  const match = /^(?:\[([^\]]*)\]:|([^:]*):)?(\d+)$/.exec(text);
  const [, address6, address4, portText = ''] = match ?? [];
  const address = address6 ?? address4 ?? LOOPBACK;
  const family = isIP(address);
  const isRight = family === (address6 === undefined ? 4 : 6) && !address.includes('%');
  if (match === null || !isRight) {
    return new Invalid('is not [IP:]PORT, as in 1080, 127.0.0.1:1080 or [::1]:1080');
  }
  if (/^0+$/.test(portText)) return { address, port: 0 };
  const port = parsePort(portText);
  return port instanceof Invalid ? port : { address, port };
}

/** RFC 1929: each has one byte for its length. */
const MAX_LOGIN_BYTES = 255;

/** Parses the first line of a file: `user:password`; undefined when it is not that. */
export function parseProxyLogin(text: string): ProxyLogin | undefined {
  const match = /^([^:\r\n]+):([^\r\n]+)\r?(?:\n|$)/.exec(text);
  const [, user = '', password = ''] = match ?? [];
  if (match === null || [user, password].some((part) => Buffer.byteLength(part) > MAX_LOGIN_BYTES))
    return undefined;
  return { user, password };
}

import { isIPv6 } from 'node:net';
import { Invalid } from './invalid.ts';

/** A SOCKS5 proxy as `--upstream-proxy` names it. */
export interface UpstreamProxyOption {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  /** Never shown and never logged. */
  readonly password: string | undefined;
}

/** RFC 1928, where nothing else is said. */
const DEFAULT_SOCKS_PORT = 1080;

/** RFC 1929: each has one byte for its length. */
const MAX_LOGIN_BYTES = 255;

/**
 * Parses `socks5://[user[:password]@]host[:port]`. `socks5h` means the same: the proxy resolves the bastion's name. Percent
 * encoding in user and password is undone, as in every URL.
 */
export function parseUpstreamProxy(text: string): UpstreamProxyOption | Invalid {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return new Invalid('is not a URL; write socks5://[user:password@]host:port');
  }
  if (url.protocol !== 'socks5:' && url.protocol !== 'socks5h:') {
    return new Invalid(
      `is for ${url.protocol}//, and only socks5:// is there; for others use a ProxyCommand`,
    );
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (host === '' || (url.hostname.startsWith('[') && !isIPv6(host))) return new Invalid('has no host');
  if (!/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    return new Invalid('has something after its port; write socks5://[user:password@]host:port');
  }
  if (url.port === '0') return new Invalid('0 is no port; write one from 1 to 65535');
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (user === undefined || password === undefined) {
    return new Invalid('has a user or password that is not percent-encoded as in a URL');
  }
  if (user === '' && password !== '') return new Invalid('has a password without a user');
  if ([user, password].some((part) => Buffer.byteLength(part) > MAX_LOGIN_BYTES)) {
    return new Invalid(
      `has a user or password of more than ${MAX_LOGIN_BYTES} bytes, which SOCKS5 cannot carry`,
    );
  }
  const login =
    user === '' ? { user: undefined, password: undefined } : { user, password: password || undefined };
  const port = url.port === '' ? DEFAULT_SOCKS_PORT : Number(url.port);
  return { host, port, ...login };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

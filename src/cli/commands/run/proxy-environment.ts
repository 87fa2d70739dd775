import type { ProxyListen } from '../../../ingress/proxy/proxies.ts';
import { formatHostPort } from '../../../net/address/endpoint.ts';

/** Destinations that no proxy is used for: this machine itself. */
const NO_PROXY = 'localhost,127.0.0.0/8,127.0.0.1,::1';

/**
 * The variables by which programs find a proxy: most read lower case, some upper, some both. Each replaces what was there: a
 * NO_PROXY of the user's is for another proxy, and would keep what is captured from this one.
 */
export function proxyEnvironment(
  proxies: readonly ProxyListen[],
  login: { readonly user: string; readonly password: string },
): Record<string, string> {
  const urlOf = (protocol: ProxyListen['protocol'], scheme: string): string | undefined => {
    const proxy = proxies.find((one) => one.protocol === protocol);
    if (proxy === undefined) return undefined;
    const { user, password } = login;
    const userInfo = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return `${scheme}://${userInfo}@${formatHostPort(proxy.address, proxy.port)}`;
  };
  const http = urlOf('http', 'http');
  // The proxy resolves the name.
  const all = urlOf('socks', 'socks5h');
  const variables = { http_proxy: http, https_proxy: http, all_proxy: all, no_proxy: NO_PROXY };
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) =>
      value === undefined
        ? []
        : [
            [name, value],
            [name.toUpperCase(), value],
          ],
    ),
  );
}

import type { Config } from './config.ts';
import type { Findings } from './findings.ts';
import { DEFAULT_LISTEN, type Listen, parseListen } from './listen.ts';
import type { ToAbsolute } from './named-files.ts';
import type { PlaceOf } from './place.ts';
import {
  type ProxyListenOption,
  type ProxyLogin,
  parseProxyListen,
  parseProxyLogin,
} from './proxy-listen.ts';
import type { ConfigSurroundings, RawOptions } from './raw-options.ts';

interface ListenerContext {
  readonly findings: Findings;
  readonly placeOf: PlaceOf;
}

/** Where redirected connections are accepted. */
export function parseListenOption(text: string | undefined, { findings, placeOf }: ListenerContext): Listen {
  if (text === undefined) return DEFAULT_LISTEN;
  const where = placeOf('-l', text);
  const result = parseListen(text);
  if (result.kind === 'invalid') {
    findings.wrong(where, result.what);
    return DEFAULT_LISTEN;
  }
  const { address4, address6 } = result.listen;
  const outside = [address4, address6].find((address) => address === '0.0.0.0' || address === '::');
  if (outside !== undefined) {
    findings.warn(
      where,
      `only connections that this machine opens are captured; ${outside} serves nobody else`,
    );
  }
  return result.listen;
}

/** The proxies of ours that are asked for. */
export function parseProxies(
  { socks = [], httpProxies = [] }: RawOptions,
  context: ListenerContext,
): ProxyListenOption[] {
  const places = (option: string, texts: readonly string[]) =>
    texts.flatMap((text) => parsePlace(option, text, context) ?? []);
  return [
    ...places('--socks', socks).map((place) => ({ protocol: 'socks' as const, ...place })),
    ...places('--http-proxy', httpProxies).map((place) => ({ protocol: 'http' as const, ...place })),
  ];
}

/** How many proxies of ours are asked for. */
export function proxyCount({ socks = [], httpProxies = [] }: RawOptions): number {
  return socks.length + httpProxies.length;
}

/** What the clients of the proxies must show. */
export function readProxyLogin(
  raw: RawOptions,
  {
    findings,
    placeOf,
    toAbsolute,
    readTextFile,
  }: ListenerContext & { toAbsolute: ToAbsolute; readTextFile: ConfigSurroundings['readTextFile'] },
): ProxyLogin | undefined {
  if (raw.proxyLoginFile === undefined) return undefined;
  const where = placeOf('--proxy-auth', raw.proxyLoginFile);
  if (proxyCount(raw) === 0) findings.warn(where, 'has no effect without --socks or --http-proxy');
  const file = readTextFile(toAbsolute(raw.proxyLoginFile), { isSecret: true });
  const login = file.kind === 'unreadable' ? undefined : parseProxyLogin(file.text);
  if (login === undefined) {
    findings.badFile(
      where,
      file.kind === 'unreadable' ? file.what : 'does not begin with a line USER:PASSWORD',
    );
  }
  return login;
}

/** Where metrics are served. */
export function parseMetrics(text: string | undefined, context: ListenerContext): Config['metrics'] {
  return text === undefined ? undefined : parsePlace('--metrics', text, context);
}

function parsePlace(
  option: string,
  text: string,
  { findings, placeOf }: ListenerContext,
): Pick<ProxyListenOption, 'address' | 'port'> | undefined {
  const result = parseProxyListen(text);
  if (result.kind === 'listen') return { address: result.address, port: result.port };
  findings.wrong(placeOf(option, text), result.what);
  return undefined;
}

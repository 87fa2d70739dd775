import { isIP } from 'node:net';
import { Invalid } from './invalid.ts';
import { parsePort } from './port.ts';

/** Where the redirected connections are accepted; absent parts are chosen at start. */
export interface Listen {
  readonly address4: string | undefined;
  readonly address6: string | undefined;
  /** One port for both families: the rules of a tunnel are named by it. */
  readonly port: number | undefined;
}

/** Loopback addresses and a free port. */
const ANYWHERE: Listen = { address4: undefined, address6: undefined, port: undefined };

/** Parses `12300`, `127.0.0.1:12300`, `[::1]:12300` or one of each family with a comma between. Port 0 is any. */
export function parseListen(text: string): Listen | Invalid {
  let listen = ANYWHERE;
  for (const part of text.split(',')) {
    const parsed = parseListenPart(part);
    if (parsed instanceof Invalid) return parsed;
    const { address4, address6, port } = parsed;
    for (const family of ['address4', 'address6', 'port'] as const) {
      const [before, after] = [listen[family], parsed[family]];
      if (before === undefined || after === undefined || (family === 'port' && before === after)) continue;
      return new Invalid(
        family === 'port'
          ? `has the ports ${before} and ${after}; both families share one`
          : `has two addresses of one family; give at most one for IPv4 and one for IPv6`,
      );
    }
    listen = {
      address4: listen.address4 ?? address4,
      address6: listen.address6 ?? address6,
      port: listen.port ?? port,
    };
  }
  return listen;
}

/** The kernel redirects connections of this machine to the loopback address, so the listener must be there. */
const LISTEN_ADDRESSES = ['127.0.0.1', '0.0.0.0', '::1', '::'];

function parseListenPart(part: string): Listen | Invalid {
  if (/^\d+$/.test(part)) return withPort(undefined, part);
  const match = /^\[([^\]]*)\](?::(.*))?$/.exec(part) ?? /^([^:]*)(?::([^:]*))?$/.exec(part) ?? [part, part];
  const [, address = '', portText] = match;
  if (isIP(address) === 0) {
    return new Invalid(
      `has ${address || 'nothing'} for an address; write it as in 127.0.0.1:12300 or [::1]:12300`,
    );
  }
  if (!LISTEN_ADDRESSES.includes(address)) {
    return new Invalid(
      `has the address ${address}, where no redirected connection arrives; use 127.0.0.1 or [::1]`,
    );
  }
  return withPort(address, portText);
}

function withPort(address: string | undefined, portText: string | undefined): Listen | Invalid {
  const address4 = address !== undefined && isIP(address) === 4 ? address : undefined;
  const address6 = address !== undefined && isIP(address) === 6 ? address : undefined;
  if (portText === undefined || /^0+$/.test(portText)) {
    return { address4, address6, port: undefined };
  }
  const port = parsePort(portText);
  return port instanceof Invalid ? port : { address4, address6, port };
}

import { isIP } from 'node:net';
import type { HostPort } from '../../net/address/endpoint.ts';
import { socketAt } from '../../net/address/endpoint.ts';
import type { Forward, ForwardListen } from '../../net/address/forward.ts';
import { isHostName } from '../../net/address/host-port.ts';
import type { ToAbsolute } from './files/named-files.ts';
import { Invalid } from './invalid.ts';
import { parsePort } from './port.ts';

/** A forward, and where it was asked for. */
export interface PlacedForward extends Forward {
  /** For people. */
  readonly where: string;
}

/** As much as sun_path of unix(7) holds beside its end. macOS has four bytes less, which bind(2) tells. */
const MAX_SOCKET_PATH_BYTES = 107;

const FORM = new Invalid(
  'is not [IP:]PORT:HOST:PORT, as in 5432:db.internal:5432 or [::1]:8080:127.0.0.1:80; ' +
    'for either side may stand the path of a unix socket, as in 2375:/run/docker.sock',
);

/**
 * Parses what ssh -L takes, by ssh's own grammar (parse_forward in its readconf.c): fields with colons between them, of which one in square
 * brackets is taken as it is, and one with a slash is a path; a backslash takes the next character as it is.
 *
 * Not taken over: names of services for ports, names for the address to listen on but localhost, and the tokens of paths.
 */
export function parseForward(text: string, toAbsolute: ToAbsolute): Forward | Invalid {
  const fields = splitFields(text.trimStart());
  if (fields === undefined) return FORM;
  const [first, second, third, fourth] = fields;
  if (first?.isPath === true) {
    const to = third === undefined ? remoteSocket(second) : remoteHost(second, third);
    return fourth === undefined ? join(localSocket(first.text, toAbsolute), to) : FORM;
  }
  if (second?.isPath === true)
    return third === undefined ? join(localPort(undefined, first), remoteSocket(second)) : FORM;
  if (fourth !== undefined) return join(localPort(first, second), remoteHost(third, fourth));
  if (third?.isPath === true) return join(localPort(first, second), remoteSocket(third));
  return third === undefined ? FORM : join(localPort(undefined, first), remoteHost(second, third));
}

interface Field {
  readonly text: string;
  readonly isPath: boolean;
}

/** Up to four; a colon at the end of all is none. Undefined where there are more, or brackets are wrong. */
function splitFields(text: string): readonly Field[] | undefined {
  const fields: Field[] = [];
  let rest = text;
  while (rest !== '') {
    if (fields.length === 4) return undefined;
    const match =
      /^\[([^\]]*)\](?::|$)/s.exec(rest) ??
      (rest.startsWith('[') ? null : /^((?:\\.|[^\\:])*)(?::|$)/s.exec(rest));
    if (match === null) return undefined;
    const [whole, inside = ''] = match;
    const isBracketed = rest.startsWith('[');
    fields.push({
      text: isBracketed ? inside : inside.replaceAll(/\\(.)/gs, '$1'),
      isPath: (isBracketed ? inside : inside.replaceAll(/\\./gs, '')).includes('/'),
    });
    rest = rest.slice(whole.length);
  }
  return fields;
}

function join(listen: ForwardListen | Invalid, to: HostPort | Invalid): Forward | Invalid {
  if (listen instanceof Invalid) return listen;
  return to instanceof Invalid ? to : { listen, to };
}

/** @param address left out: loopback; empty: every address, as for ssh */
function localPort(address: Field | undefined, portField: Field | undefined): ForwardListen | Invalid {
  const port = portOf(portField);
  if (port instanceof Invalid) return port;
  const text = address?.text ?? 'localhost';
  const isKnown =
    text === '' || text === '*' || text === 'localhost' || (isIP(text) !== 0 && !text.includes('%'));
  if (!isKnown)
    return new Invalid(
      `has ${text} for the address to listen on; write an IP address of this machine, localhost or *`,
    );
  return { kind: 'port', address: text === '' ? '*' : text, port };
}

function localSocket(text: string, toAbsolute: ToAbsolute): ForwardListen | Invalid {
  if (process.platform === 'win32')
    return new Invalid(`has the path ${text} here, and Windows has no unix sockets for it; write a port`);
  const path = toAbsolute(text);
  return whyNoPath(text, path) ?? { kind: 'socket', path };
}

function remoteSocket(field: Field | undefined): HostPort | Invalid {
  if (field === undefined || !field.isPath) return FORM;
  const { text } = field;
  if (!text.startsWith('/'))
    return new Invalid(`has the path ${text} at the bastion; write all of it, from the / on`);
  return whyNoPath(text, text) ?? socketAt(text);
}

function whyNoPath(text: string, path: string): Invalid | undefined {
  if (/\p{Cc}/u.test(text)) return new Invalid('has a control character in a path');
  const token = /%.|\$\{/.exec(text)?.[0];
  if (token !== undefined && token !== '%%')
    return new Invalid(`has ${token} in a path, which ssh would replace; write the path as it is`);
  return Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES
    ? new Invalid(`has a path of more than ${MAX_SOCKET_PATH_BYTES} bytes, which no unix socket can have`)
    : undefined;
}

function remoteHost(host: Field | undefined, portField: Field | undefined): HostPort | Invalid {
  const port = portOf(portField);
  if (port instanceof Invalid) return port;
  const text = host?.text ?? '';
  if (!isHostName(text))
    return new Invalid(`has ${text === '' ? 'nothing' : text} for a host at the bastion`);
  return { host: text, port };
}

function portOf(field: Field | undefined): number | Invalid {
  const text = field?.text ?? '';
  if (/^[a-z][a-z0-9-]*$/i.test(text)) return new Invalid(`has ${text} for a port; write its number`);
  return /^0+$/.test(text) ? new Invalid('0 is no port; write one from 1 to 65535') : parsePort(text);
}

import type { HostPort } from '../../net/address/endpoint.ts';
import { parseHostPort } from '../../net/address/host-port.ts';
import type { OpenFailure } from '../../net/flow.ts';
import type { ProxyCredentials } from './proxy-credentials.ts';

const HTTP_PORT = 80;

/** Where a request in absolute form goes, and what is asked for there. */
export interface AbsoluteTarget extends HostPort {
  /** Origin form: path and query. */
  readonly path: string;
  /** For the Host field, which must say what the target says (RFC 9112 section 3.2.2). */
  readonly authority: string;
}

/** The target of a request to a proxy (RFC 9112 section 3.2.2); undefined for every other form and scheme. */
export function parseAbsoluteTarget(text: string): AbsoluteTarget | undefined {
  // Not by URL, which would normalise the path.
  const match =
    /^http:\/\/(?:[^@/?#]*@)?(\[[^\]/?#]*\]|[^:/?#[\]]+)(?::(\d{1,5})?)?(\/[^#]*|\?[^#]*)?$/i.exec(text);
  if (match === null) return undefined;
  const [, hostText = '', portText, rest = ''] = match;
  const target = parseHostPort(`${hostText}:${portText ?? HTTP_PORT}`);
  if (target === undefined) return undefined;
  const authority = target.port === HTTP_PORT ? hostText : `${hostText}:${target.port}`;
  return { ...target, authority, path: rest.startsWith('/') ? rest : `/${rest}` };
}

/** The credentials of a Proxy-Authorization field (RFC 7617); undefined when there are none that can be understood. */
export function parseBasicCredentials(field: string | undefined): ProxyCredentials | undefined {
  const encoded = /^basic +([a-z0-9+/=_-]+) *$/i.exec(field ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether the names of all fields are names, which Node's parser does not always ask for, and its writers do. */
export function hasOnlyFieldNames(rawFields: readonly string[]): boolean {
  let areNames = true;
  forEachField(rawFields, (name) => {
    areNames &&= TOKEN.test(name);
  });
  return areNames;
}

/** RFC 9110 section 7.6.1, what older clients send to proxies, and the announcement of trailers, which end here. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
];

/**
 * The fields of a message that go on beyond a proxy, names and values by turns as in `rawHeaders`. Transfer-Encoding stays:
 * the writer of the message encodes its body anew in the same way.
 */
export function endToEndFields(rawFields: readonly string[]): string[] {
  const dropped = new Set(HOP_BY_HOP);
  forEachField(rawFields, (name, value) => {
    if (name.toLowerCase() !== 'connection') return;
    for (const named of value.split(',')) dropped.add(named.trim().toLowerCase());
  });
  // A body without its length would be another message.
  for (const framing of ['content-length', 'transfer-encoding']) dropped.delete(framing);
  const kept: string[] = [];
  forEachField(rawFields, (name, value) => {
    if (!dropped.has(name.toLowerCase())) kept.push(name, value);
  });
  return kept;
}

/** Fields without one of them. */
export function withoutField(rawFields: readonly string[], dropped: string): string[] {
  const kept: string[] = [];
  forEachField(rawFields, (name, value) => {
    if (name.toLowerCase() !== dropped) kept.push(name, value);
  });
  return kept;
}

function forEachField(rawFields: readonly string[], visit: (name: string, value: string) => void): void {
  for (let index = 0; index + 1 < rawFields.length; index += 2)
    visit(rawFields[index]!, rawFields[index + 1]!);
}

/** How a request is answered that could not be carried. */
export const STATUS_OF_FAILURE: Readonly<Record<OpenFailure, number>> = {
  prohibited: 403,
  'unknown-host': 502,
  unreachable: 502,
  refused: 502,
  'timed-out': 504,
  other: 502,
};

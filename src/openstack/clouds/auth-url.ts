import type { HostPort } from '../../net/address/endpoint.ts';
import type { SourcedText } from './layers.ts';

/** Where a cloud's identity service is, and where that is written. */
export interface AuthUrl extends HostPort {
  readonly url: URL;
  /** `FILE:LINE:COLUMN`, or the name of an environment variable. */
  readonly from: string;
}

/** An {@link AuthUrl}, or in one sentence what is wrong with the text, without the text: it may hold a password. */
export type AuthUrlResult =
  | { readonly kind: 'auth-url'; readonly authUrl: AuthUrl }
  | { readonly kind: 'invalid'; readonly what: string };

/** Parses an auth_url: with or without port and version, also with an IPv6 address. */
export function parseAuthUrl({ text, where }: SourcedText): AuthUrlResult {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return invalid('auth_url is no URL, as in https://cloud.example:5000/v3');
  }
  const place = hostPortOf(url);
  if (place === undefined) return invalid('auth_url does not begin with https:// or http://');
  if (url.username !== '' || url.password !== '')
    return invalid('auth_url has a user or password in it; leave them out');
  return { kind: 'auth-url', authUrl: { ...place, url, from: where } };
}

/** The host and port that an http or https URL leads to, an IPv6 address without brackets; undefined for others. */
export function hostPortOf(url: URL): HostPort | undefined {
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined || url.hostname === '') return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return { host, port: url.port === '' ? defaultPort : Number(url.port) };
}

/** Whether both lead to the same host and port. */
export function isSamePlace(a: HostPort, b: HostPort): boolean {
  return a.host === b.host && a.port === b.port;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

function invalid(what: string): AuthUrlResult {
  return { kind: 'invalid', what };
}

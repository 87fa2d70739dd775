import { isScopedIpv6 } from '../../net/address/scoped-address.ts';
import { Invalid } from './invalid.ts';
import { parsePort } from './port.ts';

/** Which bastion `-r` names. `host` may be an alias of the ssh configuration; absent parts are left to that. */
export interface Remote {
  readonly user: string | undefined;
  /** Never shown and never logged. */
  readonly password: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
}

/** The bastion, and those that stand by for it, in the order in which they are tried. */
export interface Bastions extends Remote {
  readonly standbys: readonly Remote[];
}

/**
 * Parses `[user[:password]@]host[:port]`, also as `ssh://...`. The last `@` ends the user, so that both parts before it may hold
 * one; an empty password is none.
 */
export function parseRemote(written: string): Remote | Invalid {
  const text = /^ssh:\/\/([^/]*)\/?$/i.exec(written)?.[1] ?? written;
  if (text.includes('://'))
    return new Invalid('is a URL; write [user@]host[:port], or ssh://[user@]host[:port]');
  const at = text.lastIndexOf('@');
  const login = at < 0 ? undefined : text.slice(0, at);
  const address = splitAddress(text.slice(at + 1));
  if (address instanceof Invalid) return address;
  if (login === undefined) return { user: undefined, password: undefined, ...address };
  const colon = login.indexOf(':');
  const user = colon < 0 ? login : login.slice(0, colon);
  const password = (colon < 0 ? undefined : login.slice(colon + 1)) || undefined;
  if (user === '') return new Invalid('has no user before the @; write user@host, or host alone');
  if (!isSafeUser(user)) return new Invalid('has a user that ssh does not allow');
  return { user, password, ...address };
}

/**
 * Text that should be or may hold a `-r`, as it may be shown: without its password.
 *
 * @param host `even without a host`: takes `user:secret`, where the host was forgotten, for what it is
 */
export function withoutPassword(
  text: string,
  host: 'with its host' | 'even without a host' = 'with its host',
): string {
  const at = text.lastIndexOf('@');
  const colon = text.indexOf(':');
  if (at >= 0) return colon >= 0 && colon < at ? `${text.slice(0, colon)}:***${text.slice(at)}` : text;
  const mayBeSecret = host === 'even without a host' && /^[^:[]+:(?!\d+$)[^:]+$/.test(text);
  return mayBeSecret ? `${text.slice(0, colon)}:***` : text;
}

type Address = Pick<Remote, 'host' | 'port'>;

function splitAddress(text: string): Address | Invalid {
  if (text === '') return new Invalid('has no host; write it as in user@bastion.example.com');
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) {
    const [, host = '', portText] = bracketed;
    return isScopedIpv6(host)
      ? withPort(host, portText)
      : new Invalid(`has ${host} in brackets, which are for IPv6 addresses`);
  }
  if (text.split(':').length > 2) {
    return isScopedIpv6(text)
      ? withPort(text, undefined)
      : new Invalid('is not an IPv6 address; with a port write it as in [2001:db8::1]:22');
  }
  const [host = '', portText] = text.split(':');
  if (host === '') return new Invalid('has no host before the colon');
  return isSafeHost(host) ? withPort(host, portText) : new Invalid('has a host that ssh does not allow');
}

function withPort(host: string, text: string | undefined): Address | Invalid {
  if (text === undefined) return { host, port: undefined };
  const port = parsePort(text);
  return port instanceof Invalid ? port : { host, port };
}

/** What ssh(1) takes as a host, a leading `-` above all not: `valid_hostname` in OpenSSH's ssh.c. */
function isSafeHost(host: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  return host.length <= 255 && !/^-|[\s'"`$\\;&<>|(){}\u0000-\u001f\u007f]/.test(host);
}

/** What ssh(1) takes as a user: `valid_ruser` in OpenSSH's ssh.c. */
function isSafeUser(user: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  return user.length <= 255 && !/^-|['"`;&<>|(){}\u0000-\u001f\u007f]|\\$|\s-/.test(user);
}

/** Renders `[user@]host[:port]`, without a password. */
export function formatRemote({ user, host, port }: Remote): string {
  return `${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}`;
}

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { canonicalIpv6 } from '../net/endpoint.ts';

/** The stub addresses of systemd-resolved (systemd-resolved.service(8)). */
const STUBS = ['127.0.0.53', '127.0.0.54'];

/** Those that systemd-resolved asks itself, in the same format. */
const BEHIND_STUB = '/run/systemd/resolve/resolv.conf';

/** Addresses of `nameserver` lines, canonical and each once; without one, libc asks this machine (resolv.conf(5)). */
export function parseNameservers(text: string): readonly string[] {
  const addresses = text.split('\n').flatMap((line) => {
    const word = /^nameserver[ \t]+(\S+)/.exec(line)?.[1]?.replace(/%.*/, '') ?? '';
    if (isIP(word) === 0) return [];
    return isIP(word) === 6 ? canonicalIpv6(word) : word;
  });
  return addresses.length === 0 ? ['127.0.0.1'] : [...new Set(addresses)];
}

/** The resolvers that this machine asks: those of its libc, and those that systemd-resolved asks where it is one of them. */
export function systemNameservers(readText: (path: string) => string = readIfThere): readonly string[] {
  const nameservers = parseNameservers(readText('/etc/resolv.conf'));
  if (!nameservers.some((address) => STUBS.includes(address))) return nameservers;
  const behind = readText(BEHIND_STUB);
  return behind === '' ? nameservers : [...new Set([...nameservers, ...parseNameservers(behind)])];
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

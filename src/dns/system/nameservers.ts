import { getServers } from 'node:dns';
import { canonicalAddress } from '../../net/address/literal.ts';
import { type Nameserver, nameserversOfFile, nameserversOfFiles } from './resolv-conf.ts';
import { hasScutil, scutilResolvers } from './scutil.ts';
import { nameserversOf } from './scutil-dns.ts';

/**
 * The resolvers that this machine asks. On macOS /etc/resolv.conf has some of them, without the interfaces, or is not there at all. On Windows
 * Node.js asks the registry for them.
 *
 * @param resolvConf the file of others, in place of what this machine has
 */
export function systemNameservers(resolvConf?: string): readonly Nameserver[] {
  if (resolvConf !== undefined) return nameserversOfFile(resolvConf);
  if (process.platform === 'win32') return nameserversOfWindows();
  const told = hasScutil() ? nameserversOf(scutilResolvers()) : [];
  return told.length > 0 ? told : nameserversOfFiles();
}

/** @param servers as Node.js gives them: `IP`, with a port other than 53 `IP:PORT` or `[IP]:PORT` */
export function nameserversOfWindows(servers: readonly string[] = getServers()): readonly Nameserver[] {
  return servers.flatMap((server) => {
    const [, bracketed, plain = server] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(server) ?? [];
    const [word = '', scope] = (bracketed ?? plain).split('%');
    const address = canonicalAddress(word);
    return address === undefined ? [] : [{ address, scope }];
  });
}

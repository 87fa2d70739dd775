import { type Nameserver, nameserversOfFiles } from './resolv-conf.ts';
import { hasScutil, scutilResolvers } from './scutil.ts';
import { nameserversOf } from './scutil-dns.ts';

/** The resolvers that this machine asks. On macOS /etc/resolv.conf has some of them, without the interfaces, or is not there at all. */
export function systemNameservers(): readonly Nameserver[] {
  const told = hasScutil() ? nameserversOf(scutilResolvers()) : [];
  return told.length > 0 ? told : nameserversOfFiles();
}

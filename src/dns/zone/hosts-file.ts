import { canonicalAddress } from '../../net/address/literal.ts';
import { parseZone } from '../../net/address/zone.ts';
import type { StaticHost } from './name-routes.ts';

/** More than anybody writes by hand. */
export const MAX_HOSTS = 4_096;

/** The machine that has the file, whatever it calls itself; its links and groups (`ip6-allnodes`). */
const HOST_LOCAL = /^(?:127\.|0\.0\.0\.0$|169\.254\.|255\.|::1?$|f[ef][0-9a-f]{2}:)/;

/** Names with addresses of another machine's hosts(5), but those that mean something only there. */
export function parseHostsFile(text: string): readonly StaticHost[] {
  const hosts = text.split('\n').flatMap((line) => {
    const [word = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = canonicalAddress(word);
    if (address === undefined || HOST_LOCAL.test(address)) return [];
    return names.flatMap((written) => {
      const zone = written.startsWith('.') ? undefined : parseZone(written);
      return zone?.includes === 'itself-and-below' && zone.name !== 'localhost'
        ? [{ name: zone.name, address }]
        : [];
    });
  });
  return hosts.slice(0, MAX_HOSTS);
}

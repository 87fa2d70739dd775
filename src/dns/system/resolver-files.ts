import { familyOf } from '../../net/address/literal.ts';
import type { Zone } from '../../net/address/zone.ts';

/** As many as the root helper takes; the others are captured. */
const MAX_FILES = 128;

/** The zones for which the system is to ask us by itself, and where. */
export interface ResolverFileRequest {
  readonly zones: readonly string[];
  readonly port: number;
}

/**
 * What macOS is to be told in /etc/resolver (native-notes/macos-dns.md): to ask us for the zones, where we stand in for a nameserver of
 * IPv4. What of such a zone is not ours (`*.ZONE` leaves ZONE itself out) goes on to that nameserver.
 *
 * @returns undefined where no zone is to have a file: whoever names nameservers wants theirs, and no others', answered
 */
export function resolverFilesFor(
  {
    nameservers,
    zones,
  }: { readonly nameservers: 'system' | readonly string[]; readonly zones: readonly Zone[] },
  redirects: ReadonlyArray<{ readonly nameserver: string; readonly port: number }>,
): ResolverFileRequest | undefined {
  const place = redirects.find(({ nameserver }) => familyOf(nameserver) === 4);
  if (nameservers !== 'system' || zones.length === 0 || place === undefined) return undefined;
  const names = [...new Set(zones.map(({ name }) => name))];
  return { zones: names.slice(0, MAX_FILES), port: place.port };
}

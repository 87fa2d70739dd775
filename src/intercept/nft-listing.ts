import { INSTANCE_PREFIX, TABLE_PREFIX } from './nft.ts';
import { EXEMPT_PORT_SET } from './nft-sets.ts';

/** A table of ours as the kernel lists it. */
export interface ListedTable {
  readonly listenerPort: number;
  /** What {@link NftTableOptions.instance} said, if it is there. */
  readonly instance: string | undefined;
}

/** Finds the tables of all tunnels in the output of `nft list chains inet`. */
export function parseNftChains(listing: string): ListedTable[] {
  const tables: Array<{ listenerPort: number; instance: string | undefined }> = [];
  let inOurs = false;
  for (const line of listing.split('\n')) {
    const table = /^table inet (\S+) \{/.exec(line)?.[1];
    if (table !== undefined) {
      const port = new RegExp(`^${TABLE_PREFIX}(\\d{1,5})$`).exec(table)?.[1];
      inOurs = port !== undefined;
      if (port !== undefined) tables.push({ listenerPort: Number(port), instance: undefined });
      continue;
    }
    const instance = new RegExp(`^\\s+chain ${INSTANCE_PREFIX}([0-9-]+) \\{`).exec(line)?.[1];
    const current = tables.at(-1);
    if (inOurs && instance !== undefined && current !== undefined) current.instance = instance;
  }
  return tables;
}

/** Finds the source ports from which the tunnels ask nameservers themselves in the output of `nft list sets inet`. */
export function parseNftExemptPorts(listing: string): ReadonlyMap<number, readonly number[]> {
  const portsOf = new Map<number, readonly number[]>();
  for (const table of listing.split(/^table inet /m)) {
    const listenerPort = new RegExp(`^${TABLE_PREFIX}(\\d{1,5}) `).exec(table)?.[1];
    const elements = new RegExp(`set ${EXEMPT_PORT_SET} \\{[^}]*elements = \\{([^}]*)\\}`).exec(table)?.[1];
    if (listenerPort === undefined || elements === undefined) continue;
    portsOf.set(Number(listenerPort), (elements.match(/\d+/g) ?? []).map(Number));
  }
  return portsOf;
}

/** How many rules a chain has, in a text of ours or as the kernel lists it: each in a line of its own, after what kind of chain it is. */
export function countNftRules(chain: string): number {
  return chain.match(/^\s+(?!type |chain |\})\S/gm)?.length ?? 0;
}

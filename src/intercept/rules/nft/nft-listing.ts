import { parseRuleOwner, RULE_OWNER_PATTERN, type RuleOwner } from '../redirect-plan.ts';
import { type PacketMark, parseMarkChain } from '../tproxy/packet-mark.ts';
import { INSTANCE_PREFIX, TABLE_PREFIX } from './nft.ts';
import { EXEMPT_PORT_SET } from './nft-sets.ts';

/** A table of ours as the kernel lists it. */
export interface ListedTable {
  readonly owner: RuleOwner;
  /** What {@link NftTableOptions.instance} said, if it is there. */
  readonly instance: string | undefined;
  /** What its tunnel marks packets with, if it does. */
  readonly mark: PacketMark | undefined;
}

/** Finds the tables of all tunnels in the output of `nft list chains inet`. */
export function parseNftChains(listing: string): ListedTable[] {
  const tables: Array<{ -readonly [K in keyof ListedTable]: ListedTable[K] }> = [];
  let inOurs = false;
  for (const line of listing.split('\n')) {
    const table = /^table inet (\S+) \{/.exec(line)?.[1];
    if (table !== undefined) {
      const ours = new RegExp(`^${TABLE_PREFIX}${RULE_OWNER_PATTERN}$`).exec(table);
      inOurs = ours !== null;
      if (ours !== null)
        tables.push({ owner: parseRuleOwner(ours[1]!, ours[2]!), instance: undefined, mark: undefined });
      continue;
    }
    const chain = /^\s+chain (\S+) \{/.exec(line)?.[1];
    const current = tables.at(-1);
    if (!inOurs || chain === undefined || current === undefined) continue;
    current.instance ??= new RegExp(`^${INSTANCE_PREFIX}([0-9-]+)$`).exec(chain)?.[1];
    current.mark ??= parseMarkChain(chain);
  }
  return tables;
}

/**
 * Finds the source ports from which the tunnels ask nameservers themselves in the output of `nft list sets inet`.
 *
 * @returns by the table, as {@link nftTable} names it
 */
export function parseNftExemptPorts(listing: string): ReadonlyMap<string, readonly number[]> {
  const portsOf = new Map<string, readonly number[]>();
  for (const table of listing.split(/^table inet /m)) {
    const name = new RegExp(`^${TABLE_PREFIX}${RULE_OWNER_PATTERN}(?= )`).exec(table)?.[0];
    const elements = new RegExp(`set ${EXEMPT_PORT_SET} \\{[^}]*elements = \\{([^}]*)\\}`).exec(table)?.[1];
    if (name === undefined || elements === undefined) continue;
    portsOf.set(`inet ${name}`, (elements.match(/\d+/g) ?? []).map(Number));
  }
  return portsOf;
}

/** How many rules a chain has, in a text of ours or as the kernel lists it: each in a line of its own, after what kind of chain it is. */
export function countNftRules(chain: string): number {
  return chain.match(/^\s+(?!type |chain |\})\S/gm)?.length ?? 0;
}

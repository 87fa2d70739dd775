/**
 * What the rules of this machine, ours and others', say about connections that should be redirected. Pure: read out of what nft(8)
 * and iptables-save(8) print.
 */
export interface RuleFacts {
  /** Whether our rules are there. */
  readonly ownRules: boolean;
  /** Chains that decide about NAT of outgoing connections before ours, as `inet sing-box output`. */
  readonly earlierNat: readonly string[];
  /** Chains whose policy drops outgoing packets, as `ip filter OUTPUT`. */
  readonly drops: readonly string[];
  /** Whether ufw(8) has set rules. */
  readonly ufw: boolean;
  /** The interfaces that wg-quick(8) guards: it drops what comes to their addresses by another one. */
  readonly wgQuick: readonly string[];
  /** Chains with a rule that keeps packets from being tracked, and so from being redirected. */
  readonly notrack: readonly string[];
  /** Chains that keep redirected connections of others from coming in, as `ip filter INPUT`; none where those are not captured. */
  readonly inputDrops: readonly string[];
  /** Null where pf is not what redirects. */
  readonly packetFilter: PfFacts | null;
}

/** What pf, as pfctl(8) shows it, says about connections that should be redirected. */
export interface PfFacts {
  readonly isEnabled: boolean;
  /** `set skip on lo0`: no rule sees what goes by lo0, so what is led there hangs. */
  readonly skipsLoopback: boolean;
  /** Rules of the main ruleset that may decide before ours: they are `quick`, or call other anchors. */
  readonly earlier: readonly string[];
  /** Connections that pf keeps in mind, two for each of ours, and how many it can; null where it does not tell, or has no limit. */
  readonly states: { readonly current: number; readonly limit: number } | null;
}

/** Entries of one list; more tell nobody more. */
export const MAX_FACTS = 16;
/** The longest name of a chain with its table: the kernel takes 255 bytes each. */
export const MAX_FACT_CHARACTERS = 600;

/** A chain that the kernel asks by itself. */
export interface BaseChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
  readonly policy: string;
}

/** What `nft list chains` prints. */
export interface ListedChains {
  readonly base: readonly BaseChain[];
  /** All of them, as `ip filter ufw-user-output`. */
  readonly names: readonly string[];
}

/** The names that nft(8) has for priorities of the families ip, ip6 and inet. */
const PRIORITIES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

const FAMILIES = /^(?:ip|ip6|inet)$/;

/** Takes what `nft list chains` prints; what is not of IP is left out. */
export function parseListedChains(listing: string): ListedChains {
  const base: BaseChain[] = [];
  const names: string[] = [];
  let [family, table, name] = ['', '', ''];
  for (const line of listing.split('\n')) {
    const inTable = /^table (\S+) (\S+) \{/.exec(line);
    if (inTable !== null) [, family = '', table = ''] = inTable;
    const inChain = /^\s+chain (\S+) \{/.exec(line);
    if (inChain !== null && FAMILIES.test(family)) {
      name = inChain[1]!;
      names.push(`${family} ${table} ${name}`);
    }
    const head = /^\s+type (\w+) hook (\w+) priority ([\w+ -]+);(?: policy (\w+);)?/.exec(line);
    if (head === null || !FAMILIES.test(family)) continue;
    const [, type = '', hook = '', priority = '', policy = 'accept'] = head;
    base.push({ family, table, name, type, hook, priority: priorityOf(priority), policy });
  }
  return { base, names };
}

/** `-110`, `raw`, `mangle + 1`. */
function priorityOf(text: string): number {
  const [, word = '0', sign = '+', offset = '0'] = /^(-?\w+)(?: ([+-]) (\d+))?$/.exec(text.trim()) ?? [];
  return (PRIORITIES[word] ?? Number(word)) + Number(`${sign}${offset}`);
}

/** From here on the kernel has looked up connections: a rule that leaves some untracked stands before. */
const CONNTRACK_PRIORITY = -200;

/** The chains in which a rule may keep outgoing packets from being tracked. */
export function chainsBeforeTracking({ base }: ListedChains): readonly BaseChain[] {
  return base
    .filter(({ hook, priority }) => hook === 'output' && priority < CONNTRACK_PRIORITY)
    .slice(0, MAX_FACTS);
}

/** What a chain is called in commands and for people. */
export function nameOf({ family, table, name }: Pick<BaseChain, 'family' | 'table' | 'name'>): string {
  return `${family} ${table} ${name}`;
}

/** Whether the rules of a chain, as nft(8) or iptables-save(8) prints them, leave something untracked. */
export function leavesUntracked(rules: string): boolean {
  return /\bnotrack\b/i.test(rules);
}

/**
 * What the chains of nft tell, without what stands in their rules.
 *
 * @param own the table of ours; its chains are nobody else's
 * @param ownPriority where ours decides
 */
export function factsOfChains(
  { base, names }: ListedChains,
  own: string,
  ownPriority: number,
): Pick<RuleFacts, 'earlierNat' | 'drops' | 'ufw' | 'wgQuick'> {
  const others = base.filter(({ family, table, hook }) => hook === 'output' && `${family} ${table}` !== own);
  const nat = others.filter(({ type, priority }) => type === 'nat' && priority <= ownPriority);
  const drops = others.filter(({ type, policy }) => type === 'filter' && policy === 'drop');
  return {
    earlierNat: nat.map(nameOf).slice(0, MAX_FACTS),
    drops: drops.map(nameOf).slice(0, MAX_FACTS),
    ufw: names.some((name) => / ufw6?-/.test(name)),
    wgQuick: unique(names.flatMap((name) => / wg-quick-(\S+) preraw$/.exec(name)?.[1] ?? [])),
  };
}

/** What `iptables-save` prints, all tables of one family. */
export function factsOfIptables(
  saved: string,
  family: 'ip' | 'ip6',
  entryChain: string,
): Omit<RuleFacts, 'inputDrops'> {
  const tables = new Map(saved.split(/^\*/m).map((text) => [/^\w+/.exec(text)?.[0] ?? '', text] as const));
  const nat = tables.get('nat') ?? '';
  const output = nat.split('\n').filter((line) => line.startsWith('-A OUTPUT '));
  const ours = output.findIndex((line) => line.endsWith(`-j ${entryChain}`));
  const before = output.slice(0, Math.max(ours, 0));
  const raw = (tables.get('raw') ?? '').split('\n');
  return {
    ownRules: ours >= 0 && nat.includes(`-A ${entryChain} `),
    earlierNat: before.length > 0 ? [`${family} nat OUTPUT`] : [],
    drops: /^:OUTPUT DROP/m.test(tables.get('filter') ?? '') ? [`${family} filter OUTPUT`] : [],
    ufw: /^:ufw6?-/m.test(saved),
    wgQuick: unique(raw.flatMap((line) => /wg-quick\(8\) rule for ([\w.=+-]+)/.exec(line)?.[1] ?? [])),
    notrack: raw.some((line) => line.startsWith('-A OUTPUT ') && leavesUntracked(line))
      ? [`${family} raw OUTPUT`]
      : [],
    packetFilter: null,
  };
}

/** What several listings tell together. `ownRules`: all of them have ours. */
export function togetherOf(facts: readonly RuleFacts[]): RuleFacts {
  const all = (key: 'earlierNat' | 'drops' | 'wgQuick' | 'notrack' | 'inputDrops'): readonly string[] =>
    unique(facts.flatMap((one) => one[key]));
  return {
    ownRules: facts.every(({ ownRules }) => ownRules),
    earlierNat: all('earlierNat'),
    drops: all('drops'),
    ufw: facts.some(({ ufw }) => ufw),
    wgQuick: all('wgQuick'),
    notrack: all('notrack'),
    inputDrops: all('inputDrops'),
    packetFilter: null,
  };
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].slice(0, MAX_FACTS);
}

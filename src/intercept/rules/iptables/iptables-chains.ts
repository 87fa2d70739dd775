import {
  formatRuleOwner,
  isSameOwner,
  type OwnedPlan,
  parseRuleOwner,
  RULE_OWNER_PATTERN,
  type RuleOwner,
} from '../redirect-plan.ts';

/**
 * The names of our chains, and finding them again in what iptables-save(8) prints. Pure.
 *
 * The first rule of an instance's entry chain matches everything, does nothing, and carries the instance as its comment.
 */

/** The tables that have rules of ours: connections are redirected in `nat`, UDP is refused in `filter`. */
export type IptablesTable = 'nat' | 'filter';

/** The chains that a tunnel may have in each table. At most 27 of the 28 characters that xtables allows. */
interface TunnelChains {
  readonly entry: string;
  /** For what chosen programs open, where only they are captured. */
  readonly chosen: string;
  readonly groups: string;
  /** Says which of others' connections come from where they are captured. */
  readonly prerouting: string;
  /** Says what of those is never captured. */
  readonly incoming: string;
}

/** The names of the chains of a tunnel. */
export function iptablesChains(owner: RuleOwner): TunnelChains {
  const entry = `TSHUTTLE-${formatRuleOwner(owner)}`;
  return {
    entry,
    chosen: `${entry}-O`,
    groups: `${entry}-G`,
    prerouting: `${entry}-P`,
    incoming: `${entry}-I`,
  };
}

/** Renders the match that names the instance in the entry chain, and its {@link OwnedPlan.order} where it is not the first. */
export function renderInstanceComment(instance: string, order = 1): string {
  return `-m comment --comment "tshuttle helper ${instance}${order === 1 ? '' : ` order ${order}`}"`;
}

/** What one tunnel has in one table of one family. */
export interface SavedTunnel {
  readonly owner: RuleOwner;
  /** What {@link renderInstanceComment} was given; undefined when the rule is not there. */
  readonly instance: string | undefined;
  readonly order: number;
  /** Which rule of OUTPUT leads to it, counted from 1; undefined when none does. */
  readonly place: number | undefined;
  /** Whether a rule of PREROUTING leads to the chain for others' connections. */
  readonly isIncomingThere: boolean;
  readonly chains: readonly string[];
  /** The rules of other chains that lead to ours, as iptables-save printed them, from `-A` on. */
  readonly jumps: readonly string[];
  /** Of `nat`: the source ports from which it asks nameservers itself. */
  readonly exemptPorts: readonly number[];
  /** How many rules its chains have. */
  readonly ruleCount: number;
}

interface FoundTunnel {
  readonly owner: RuleOwner;
  instance: string | undefined;
  order: number;
  place: number | undefined;
  isIncomingThere: boolean;
  readonly chains: string[];
  readonly jumps: string[];
  readonly exemptPorts: number[];
  ruleCount: number;
}

const ENTRY = `TSHUTTLE-${RULE_OWNER_PATTERN}`;
const CHAIN = new RegExp(`^:(${ENTRY}(?:-[GIOP])?) `);
const RULE = new RegExp(`^-A ${ENTRY}(?:-[GIOP])? `);
const INSTANCE = new RegExp(
  `^-A ${ENTRY} -m comment --comment "tshuttle helper ([0-9-]+)(?: order (\\d{1,9}))?"$`,
);
const EXEMPT = new RegExp(`^-A ${ENTRY}(?:-O)? -p udp .*--sports ([\\d,]+) -j RETURN$`);
const JUMP = new RegExp(`^-A (?!TSHUTTLE-\\d).* -[jg] ${ENTRY}(?:-[GIOP])?$`);

/** Finds every tunnel in what `iptables-save -t TABLE` or `ip6tables-save -t TABLE` prints. */
export function parseIptablesSave(saved: string): SavedTunnel[] {
  const tunnels = new Map<string, FoundTunnel>();
  const tunnelOf = (userId: string, port: string): FoundTunnel => {
    const owner = parseRuleOwner(userId, port);
    const known = tunnels.get(formatRuleOwner(owner)) ?? {
      owner,
      instance: undefined,
      order: 1,
      place: undefined,
      isIncomingThere: false,
      chains: [],
      jumps: [],
      exemptPorts: [],
      ruleCount: 0,
    };
    tunnels.set(formatRuleOwner(owner), known);
    return known;
  };
  let place = 0;
  for (const line of saved.split('\n')) {
    if (line.startsWith('-A OUTPUT ')) place += 1;
    const [, chain, ...chainOwner] = CHAIN.exec(line) ?? [];
    if (chain !== undefined) {
      tunnelOf(chainOwner[0]!, chainOwner[1]!).chains.push(chain);
      continue;
    }
    const rule = RULE.exec(line);
    if (rule !== null) tunnelOf(rule[1]!, rule[2]!).ruleCount += 1;
    const instance = INSTANCE.exec(line);
    if (instance !== null) {
      const tunnel = tunnelOf(instance[1]!, instance[2]!);
      tunnel.instance = instance[3]!;
      tunnel.order = Number(instance[4] ?? 1);
      continue;
    }
    const exempt = EXEMPT.exec(line);
    if (exempt !== null) {
      tunnelOf(exempt[1]!, exempt[2]!).exemptPorts.push(...exempt[3]!.split(',').map(Number));
      continue;
    }
    const jump = JUMP.exec(line);
    if (jump === null) continue;
    const tunnel = tunnelOf(jump[1]!, jump[2]!);
    tunnel.jumps.push(line);
    if (line.startsWith('-A OUTPUT ')) tunnel.place ??= place;
    if (line.startsWith('-A PREROUTING ')) tunnel.isIncomingThere = true;
  }
  return [...tunnels.values()];
}

/**
 * Where in OUTPUT the jump of a tunnel belongs, counted from 1 without it: right after those of the tunnels that came later.
 *
 * @param tunnels all that there are, with this one or without
 * @returns undefined where it stands after those of later tunnels and before those of earlier ones
 */
export function placeOfJump(plan: OwnedPlan, tunnels: readonly SavedTunnel[]): number | undefined {
  const { order: ownOrder = 1 } = plan;
  const isOwn = ({ owner }: SavedTunnel): boolean => isSameOwner(owner, plan);
  const ownPlace = tunnels.find(isOwn)?.place;
  const others = tunnels.flatMap((tunnel) => {
    const { order, place } = tunnel;
    return isOwn(tunnel) || place === undefined || order === ownOrder ? [] : [{ order, place }];
  });
  if (ownPlace !== undefined && others.every(({ order, place }) => order > ownOrder === place < ownPlace))
    return undefined;
  const later = others.filter(({ order }) => order > ownOrder);
  return 1 + Math.max(0, ...later.map(({ place }) => (place > (ownPlace ?? place) ? place - 1 : place)));
}

/** Renders the transaction that moves the jump of a tunnel to a place that {@link placeOfJump} gives. */
export function renderIptablesMove(owner: RuleOwner, place: number): string {
  const { entry } = iptablesChains(owner);
  return `*nat\n-D OUTPUT -j ${entry}\n-I OUTPUT ${place} -j ${entry}\nCOMMIT\n`;
}

/** How many of a tunnel's own rules a text of iptables-restore has. */
export function countRules(text: string): number {
  return text.match(/^-A TSHUTTLE-/gm)?.length ?? 0;
}

/**
 * Renders the transaction that removes a tunnel as it was saved.
 *
 * @param instance the one that must hold it: all of it is refused where another one has replaced the rules meanwhile
 */
export function renderIptablesRemoval(
  tunnel: SavedTunnel,
  instance?: string,
  table: IptablesTable = 'nat',
): string {
  const { entry } = iptablesChains(tunnel.owner);
  const lines = [
    ...(instance === undefined ? [] : [`-D ${entry} ${renderInstanceComment(instance, tunnel.order)}`]),
    // Declaring a chain under --noflush empties it; only then can it be deleted.
    ...tunnel.chains.map((chain) => `:${chain} - [0:0]`),
    ...tunnel.jumps.map((rule) => rule.replace(/^-A/, '-D')),
    ...tunnel.chains.map((chain) => `-X ${chain}`),
  ];
  return `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

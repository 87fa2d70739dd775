import { type BaseChain, type ListedChains, MAX_FACTS, nameOf } from './rule-facts.ts';

/**
 * What the rules of others do with connections that were redirected to us and are not this machine's own: those come in, and so by
 * the hook `input`. Pure: read out of what nft(8) and iptables-save(8) print.
 */

/** Chains of one table whose rules are read, to see whether they admit what was redirected. */
const MAX_CHAINS_READ = 64;

/** The base chains of others that filter what comes in. */
export function inputChains({ base }: ListedChains, own: string): readonly BaseChain[] {
  return base
    .filter(({ family, table, hook, type }) => {
      return hook === 'input' && type === 'filter' && `${family} ${table}` !== own;
    })
    .slice(0, MAX_FACTS);
}

/** The chains of the same table, as {@link nameOf} names them: where the rules of a base chain may lead. */
export function chainsOfTable({ names }: ListedChains, { family, table }: BaseChain): readonly string[] {
  return names.filter((name) => name.startsWith(`${family} ${table} `)).slice(0, MAX_CHAINS_READ);
}

/**
 * Whether a chain lets nothing in that no rule admits: by its policy, or by a last rule for all the rest.
 *
 * @param rules the chain as nft(8) prints it
 */
export function refusesRest({ policy }: Pick<BaseChain, 'policy'>, rules: string): boolean {
  return (
    policy === 'drop' || /^\s+(?:counter packets \d+ bytes \d+ )?(?:drop|reject(?: with .*)?)$/m.test(rules)
  );
}

/**
 * Whether a rule admits what was redirected, as firewalld has one, or what goes to our listener.
 *
 * @param rules all that may be asked, as nft(8) or iptables-save(8) prints it
 */
export function admitsRedirected(rules: string, listenerPort: number): boolean {
  return rules.split('\n').some((rule) => {
    if (!/\baccept\b/i.test(rule)) return false;
    if (/\bct status (?:& )?dnat\b|--ctstate \S*\bDNAT\b|\bct state [^a]*\bdnat\b/i.test(rule)) return true;
    const ports = /\b(?:--)?dports? (\{[^}]*\}|\S+)/.exec(rule)?.[1];
    return ports !== undefined && hasPort(ports, listenerPort);
  });
}

/** `80`, `8000-9000`, `8000:9000`, `{ 80, 8000-9000 }`, `80,8000:9000`. */
function hasPort(text: string, port: number): boolean {
  return [...text.matchAll(/(\d+)(?:[-:](\d+))?/g)].some(
    ([, first, last]) => Number(first) <= port && port <= Number(last ?? first),
  );
}

/** The chain INPUT of one family where it lets redirected connections of others not in, by what `iptables-save` prints. */
export function inputDropsOfIptables(
  filterTable: string,
  family: 'ip' | 'ip6',
  listenerPort: number,
): readonly string[] {
  const refuses = /^:INPUT DROP/m.test(filterTable) || /^-A INPUT -j (?:DROP|REJECT)/m.test(filterTable);
  if (!refuses || admitsRedirected(filterTable, listenerPort)) return [];
  return [nameOf({ family, table: 'filter', name: 'INPUT' })];
}

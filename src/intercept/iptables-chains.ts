/**
 * The names of our chains, and finding them again in what iptables-save(8) prints. Pure.
 *
 * The first rule of an instance's entry chain matches everything, does nothing, and carries the instance as its comment.
 */

/** The two chains of the tunnel whose listener has this port. At most 16 of the 28 characters that xtables allows. */
export function iptablesChains(listenerPort: number): { readonly entry: string; readonly groups: string } {
  const entry = `TSHUTTLE-${listenerPort}`;
  return { entry, groups: `${entry}-G` };
}

/** Renders the match that names the instance in the entry chain. */
export function renderInstanceComment(instance: string): string {
  return `-m comment --comment "tshuttle helper ${instance}"`;
}

/** What one tunnel has in the nat table of one family. */
export interface SavedTunnel {
  readonly listenerPort: number;
  /** What {@link renderInstanceComment} was given; undefined when the rule is not there. */
  readonly instance: string | undefined;
  readonly chains: readonly string[];
  /** The rules of other chains that lead to ours, as iptables-save printed them, from `-A` on. */
  readonly jumps: readonly string[];
  /** The source ports from which it asks nameservers itself. */
  readonly exemptPorts: readonly number[];
  /** How many rules its chains have. */
  readonly ruleCount: number;
}

interface FoundTunnel {
  instance: string | undefined;
  readonly chains: string[];
  readonly jumps: string[];
  readonly exemptPorts: number[];
  ruleCount: number;
}

/** Finds every tunnel in the output of `iptables-save -t nat` or `ip6tables-save -t nat`. */
export function parseIptablesSave(saved: string): SavedTunnel[] {
  const tunnels = new Map<string, FoundTunnel>();
  const tunnelOf = (port: string) => {
    const known = tunnels.get(port) ?? {
      instance: undefined,
      chains: [],
      jumps: [],
      exemptPorts: [],
      ruleCount: 0,
    };
    tunnels.set(port, known);
    return known;
  };
  for (const line of saved.split('\n')) {
    const chain = /^:(TSHUTTLE-(\d{1,5})(?:-G)?) /.exec(line);
    if (chain !== null) {
      tunnelOf(chain[2]!).chains.push(chain[1]!);
      continue;
    }
    const rule = /^-A TSHUTTLE-(\d{1,5})(?:-G)? /.exec(line);
    if (rule !== null) tunnelOf(rule[1]!).ruleCount += 1;
    const instance = /^-A TSHUTTLE-(\d{1,5}) -m comment --comment "tshuttle helper ([0-9-]+)"$/.exec(line);
    if (instance !== null) {
      tunnelOf(instance[1]!).instance = instance[2]!;
      continue;
    }
    const exempt = /^-A TSHUTTLE-(\d{1,5}) -p udp .*--sports ([\d,]+) -j RETURN$/.exec(line);
    if (exempt !== null) {
      tunnelOf(exempt[1]!).exemptPorts.push(...exempt[2]!.split(',').map(Number));
      continue;
    }
    const jump = /^-A (?!TSHUTTLE-\d).* -[jg] TSHUTTLE-(\d{1,5})(?:-G)?$/.exec(line);
    if (jump !== null) tunnelOf(jump[1]!).jumps.push(line);
  }
  return [...tunnels].map(([port, tunnel]) => ({ listenerPort: Number(port), ...tunnel }));
}

/** How many of a tunnel's own rules a text of iptables-restore has. */
export function countRules(text: string): number {
  return text.match(/^-A TSHUTTLE-/gm)?.length ?? 0;
}

/** Renders the transaction that removes a tunnel as it was saved. */
export function renderIptablesRemoval(tunnel: SavedTunnel): string {
  const lines = [
    // Declaring a chain under --noflush empties it; only then can it be deleted.
    ...tunnel.chains.map((chain) => `:${chain} - [0:0]`),
    ...tunnel.jumps.map((rule) => rule.replace(/^-A/, '-D')),
    ...tunnel.chains.map((chain) => `-X ${chain}`),
  ];
  return `*nat\n${lines.join('\n')}\nCOMMIT\n`;
}

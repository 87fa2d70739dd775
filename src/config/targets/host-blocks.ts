import { isIP } from 'node:net';
import { compareText } from '../../core/compare-text.ts';
import { printableLine } from '../../core/printable.ts';
import { type Problem, renderProblem } from '../../core/problem.ts';
import { isScopedIpv6 } from '../../net/address/scoped-address.ts';
import { UUID } from './uuid.ts';

/** The ssh server that leads to the hosts; every text of it means nothing but itself in an ssh configuration. */
export interface WayIn {
  readonly user: string | undefined;
  /** Perhaps a Host of the ssh configuration. */
  readonly host: string;
  readonly port: number | undefined;
  /** An absolute path without quotes, backslashes, `$` and control characters. */
  readonly identity: string | undefined;
}

/** A server behind a gate; its `names` are any text, the rest means nothing but itself in an ssh configuration. */
export interface HostBehind {
  /** What it is called in any case, and filed under in known_hosts: most often a UUID. */
  readonly id: string;
  /** What it is called, too, where that is plain and nobody else's. */
  readonly names: readonly string[];
  /** What the gate connects to: an address, or a name that the gate resolves. */
  readonly address: string;
  readonly user: string | undefined;
  /** As {@link WayIn.identity}. */
  readonly identity: string | undefined;
  readonly gate: WayIn;
}

/** One line of an ssh configuration. */
export interface ConfigLine {
  readonly keyword: string;
  readonly value: string;
}

/** What ssh needs to be told of a host, in the order of ssh_config(5)'s own examples. */
export function linesOf({ id, address, user, identity, gate }: HostBehind): readonly ConfigLine[] {
  return [
    { keyword: 'HostName', value: address.replaceAll('%', '%%') },
    { keyword: 'HostKeyAlias', value: id },
    ...(user === undefined ? [] : [{ keyword: 'User', value: user }]),
    ...identityLines(identity),
    way(gate, address),
  ];
}

function identityLines(identity: string | undefined): readonly ConfigLine[] {
  if (identity === undefined) return [];
  return [
    { keyword: 'IdentityFile', value: quotedWhereNeeded(identity.replaceAll('%', '%%')) },
    // A gate and its servers count wrong keys; nobody else's are offered.
    { keyword: 'IdentitiesOnly', value: 'yes' },
  ];
}

/** ProxyJump has no word for a key of the gate's own, so that one needs a command; it is what ssh makes of ProxyJump, with the key. */
function way({ user, host, port, identity }: WayIn, address: string): ConfigLine {
  const login = `${user === undefined ? '' : `${user}@`}`;
  const isIpv6 = isScopedIpv6(host);
  if (identity === undefined) {
    const hop = `${login}${isIpv6 ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`;
    return { keyword: 'ProxyJump', value: hop };
  }
  const destination = isScopedIpv6(address) ? "'[%h]:%p'" : '%h:%p';
  const key = `'${identity.replaceAll('%', '%%')}'`;
  const words = [
    ...['ssh', '-i', key, '-o', 'IdentitiesOnly=yes'],
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['-W', destination, `${login}${host.replaceAll('%', '%%')}`],
  ];
  return { keyword: 'ProxyCommand', value: words.join(' ') };
}

/** A word with a space in it is one word in double quotes; what would end them is in no path here. */
function quotedWhereNeeded(text: string): string {
  return /^[\w./%~+@:,=-]+$/.test(text) ? text : `"${text}"`;
}

/** What every file of ours begins with, and no other. */
export const HOST_BLOCKS_MARKER = '# Written by tshuttle';

/** Host blocks, and what the reader of the command should hear beside. */
export interface HostBlocks {
  readonly text: string;
  /** Names that were left out, and why. */
  readonly notes: readonly Problem[];
}

/**
 * Renders a Host block for each host, sorted by its id, so that two outputs can be compared. A name is left out where more than one
 * host has it, where it is another's id or the gate itself, and where ssh could take it for a pattern, an option or two words.
 *
 * @param header comment lines; of any text
 */
export function renderHostBlocks(hosts: readonly HostBehind[], header: readonly string[]): HostBlocks {
  const sorted = [...hosts].sort(
    (a, b) => compareText(a.id, b.id) || compareText(a.names[0] ?? '', b.names[0] ?? ''),
  );
  const taken = new Set([...hosts.map(({ id }) => id), ...hosts.map(({ gate }) => gate.host)].map(folded));
  const counts = new Map<string, number>();
  for (const { names } of hosts) {
    for (const name of new Set(names.map(folded))) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const notes: Problem[] = [];
  const ids = new Map<string, number>();
  for (const { id } of hosts) ids.set(id, (ids.get(id) ?? 0) + 1);
  const blocks = sorted.flatMap((host): readonly string[] => {
    const names = [...new Set(host.names)].filter((name) => {
      if (name === '' || name === host.id) return false;
      const why = whyLeftOut(name, taken, counts.get(folded(name)) ?? 0);
      if (why !== undefined)
        notes.push({ where: host.id, what: `the name ${shown(name)} is left out: ${why}` });
      return why === undefined;
    });
    const isShared = ids.get(host.id)! > 1;
    if (isShared)
      notes.push({
        where: host.id,
        what: `is left out: ${ids.get(host.id)} hosts have it; ${names.length === 0 ? 'this one has no name either' : `use ${names.join(', ')}`}`,
      });
    const words = isShared ? names : [host.id, ...names];
    const lines = linesOf(host).map(({ keyword, value }) => `  ${keyword} ${value}`);
    return words.length === 0 ? [] : [[`Host ${words.join(' ')}`, ...lines, ''].join('\n')];
  });
  const comments = [...header, ...notes.map(renderProblem)].map((line) => `# ${printableLine(line)}\n`);
  return {
    text: `${HOST_BLOCKS_MARKER}: changes are lost\n${comments.join('')}\n${blocks.join('\n')}`,
    notes,
  };
}

/** Letters, digits, dot, dash and underscore, which are no pattern for ssh; and no address, which is no name. */
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/;

function whyLeftOut(name: string, taken: ReadonlySet<string>, count: number): string | undefined {
  if (!PLAIN_NAME.test(name)) return 'it has characters that ssh may take for something else';
  if (isIP(name) !== 0) return 'it is an address';
  // Whoever may name a server could take the place of another, of this project or not, in all files that ssh reads behind this one.
  if (UUID.test(name)) return 'it is a UUID, and that of another server';
  if (taken.has(folded(name))) return 'another host, or the gate, is called so';
  return count > 1 ? `${count} servers are called so` : undefined;
}

/** ssh tells hosts apart by case, people do not. */
function folded(name: string): string {
  return name.toLowerCase();
}

const SHOWN_LENGTH = 60;

function shown(name: string): string {
  const text = name.length > SHOWN_LENGTH ? `${name.slice(0, SHOWN_LENGTH)}...` : name;
  return JSON.stringify(printableLine(text));
}

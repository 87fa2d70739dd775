import { isIP } from 'node:net';
import { addressToNumber, familyOf, type IpFamily } from '../../../src/net/address/literal.ts';
import { AddressTable } from './address-table.ts';
import type {
  AnchorCall,
  Direction,
  Ends,
  FilterRule,
  Match,
  PortTest,
  Protocol,
  Ruleset,
  TranslationRule,
} from './ruleset.ts';

/** pfctl takes no table of such a name, nor any other word of its grammar. */
const RESERVED = new Set(
  'all any anchor block drop from group in inet inet6 keep nat no on out pass port proto quick rdr return self set skip state table tag tagged to user'.split(
    ' ',
  ),
);

/** What has to stand before what (pf.conf(5), STATEMENT ORDER). */
const ORDER = ['set', 'table', 'scrub', 'translation', 'filter'] as const;

/**
 * Parses a text for `pfctl -f -`. It takes no more than the subset that stands in ruleset.ts: for all else it throws, so that no
 * rule is passed over.
 *
 * @throws Error that begins with `pf: syntax error`
 */
export function parseRuleset(text: string): Ruleset {
  const skipped = new Set<string>();
  const tables = new Map<string, AddressTable>();
  const translation: Array<Ruleset['translation'][number]> = [];
  const filter: Array<FilterRule | AnchorCall> = [];
  let stage = 0;
  const enter = (name: (typeof ORDER)[number], line: string): void => {
    const next = ORDER.indexOf(name);
    // Options and tables may be mixed.
    if (next < stage && !(next <= 1 && stage <= 1))
      throw new Error(`pf: syntax error: rules must be in order: ${line}`);
    stage = Math.max(stage, next);
  };
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    const tokens = new Tokens(line);
    if (tokens.isEmpty) continue;
    switch (tokens.next()) {
      case 'set':
        enter('set', line);
        for (const name of readSkip(tokens)) skipped.add(name);
        break;
      case 'table': {
        enter('table', line);
        const [name, table] = readTable(tokens);
        tables.set(name, table);
        break;
      }
      case 'scrub-anchor':
      case 'dummynet-anchor':
      case 'load':
        tokens.skipAll();
        break;
      case 'rdr-anchor':
        enter('translation', line);
        translation.push({ kind: 'anchor', of: 'rdr', path: tokens.nextQuoted() });
        break;
      case 'nat-anchor':
        enter('translation', line);
        translation.push({ kind: 'anchor', of: 'nat', path: tokens.nextQuoted() });
        break;
      case 'no':
        enter('translation', line);
        translation.push(readTranslation(tokens, tokens.oneOf('rdr', 'nat'), true));
        break;
      case 'rdr':
        enter('translation', line);
        translation.push(readTranslation(tokens, 'rdr', false));
        break;
      case 'nat':
        enter('translation', line);
        translation.push(readTranslation(tokens, 'nat', false));
        break;
      case 'anchor':
        enter('filter', line);
        filter.push({ kind: 'anchor', path: tokens.nextQuoted() });
        break;
      case 'pass':
        enter('filter', line);
        filter.push(readFilter(tokens, 'pass'));
        break;
      case 'block':
        enter('filter', line);
        filter.push(readFilter(tokens, 'block'));
        break;
      default:
        throw tokens.error();
    }
    if (!tokens.isEmpty) throw tokens.error();
  }
  return { skipped, tables, translation, filter };
}

/** The words of one line, from the first to the last. */
class Tokens {
  readonly #line: string;
  readonly #tokens: readonly string[];
  #index = 0;

  constructor(line: string) {
    this.#line = line;
    this.#tokens =
      line.replace(/#.*$/, '').match(/"[^"]*"|<[\w.-]+>|->|!=|[!{}(),=]|[^\s{}(),!<>="]+/g) ?? [];
  }

  get isEmpty(): boolean {
    return this.#index >= this.#tokens.length;
  }

  peek(): string | undefined {
    return this.#tokens[this.#index];
  }

  next(): string {
    const token = this.#tokens[this.#index];
    if (token === undefined) throw this.error();
    this.#index += 1;
    return token;
  }

  nextQuoted(): string {
    return this.next().replace(/^"(.*)"$/, '$1');
  }

  /** Whether the next word is this one, which is then taken. */
  takes(word: string): boolean {
    if (this.peek() !== word) return false;
    this.#index += 1;
    return true;
  }

  oneOf<Word extends string>(...words: readonly Word[]): Word {
    const found = words.find((word) => this.takes(word));
    if (found === undefined) throw this.error();
    return found;
  }

  /** One item, or several in braces. */
  list<T>(read: () => T): T[] {
    if (!this.takes('{')) return [read()];
    const items: T[] = [];
    while (!this.takes('}')) {
      items.push(read());
      this.takes(',');
    }
    return items;
  }

  skipAll(): void {
    this.#index = this.#tokens.length;
  }

  error(): Error {
    return new Error(`pf: syntax error at "${this.#tokens[this.#index] ?? 'the end'}" in: ${this.#line}`);
  }
}

function readSkip(tokens: Tokens): readonly string[] {
  if (!tokens.takes('skip') || !tokens.takes('on')) throw tokens.error();
  return tokens.list(() => tokens.next());
}

function readTable(tokens: Tokens): [string, AddressTable] {
  const name = /^<([\w.-]+)>$/.exec(tokens.next())?.[1];
  if (name === undefined || RESERVED.has(name) || name.length > 31) throw tokens.error();
  while (tokens.takes('persist') || tokens.takes('const'));
  if (tokens.isEmpty) return [name, new AddressTable([])];
  if (tokens.peek() !== '{') throw tokens.error();
  return [name, new AddressTable(tokens.list(() => `${tokens.takes('!') ? '!' : ''}${tokens.next()}`))];
}

function readTranslation(tokens: Tokens, kind: 'rdr' | 'nat', no: boolean): TranslationRule {
  const pass = tokens.takes('pass');
  const on = readOn(tokens);
  const family = readFamily(tokens);
  const protocols = readProtocols(tokens);
  const ends = readEnds(tokens);
  const tag = tokens.takes('tag') ? tokens.next() : undefined;
  const tagged = tokens.takes('tagged') ? tokens.next() : undefined;
  const match = { on, family, protocols, ...ends, tag, tagged };
  if (no) return { kind, no, pass, ...match, target: undefined };
  if (!tokens.takes('->')) throw tokens.error();
  const address = tokens.next();
  if (isIP(address) === 0) throw tokens.error();
  const port = tokens.takes('port') ? readPort(tokens.next(), tokens) : undefined;
  return {
    kind,
    no,
    pass,
    ...match,
    family: family ?? familyOf(address),
    target: { address: addressToNumber(familyOf(address), address), port },
  };
}

function readFilter(tokens: Tokens, action: FilterRule['action']): FilterRule {
  let returns = false;
  if (action === 'block') {
    returns = tokens.takes('return');
    if (!returns) tokens.takes('drop');
  }
  const direction: Direction | undefined = tokens.takes('in')
    ? 'in'
    : tokens.takes('out')
      ? 'out'
      : undefined;
  tokens.takes('log');
  const quick = tokens.takes('quick');
  const on = readOn(tokens);
  const routeKind = (['route-to', 'reply-to'] as const).find((word) => tokens.takes(word));
  const route = routeKind === undefined ? undefined : { kind: routeKind, by: tokens.next() };
  const family = readFamily(tokens);
  const protocols = readProtocols(tokens);
  const ends = readEnds(tokens);
  let [flags, state, user, tag, tagged]: [string?, boolean?, FilterRule['user']?, string?, string?] = [];
  let group: number | undefined;
  while (!tokens.isEmpty) {
    if (tokens.takes('user')) user = { negated: tokens.takes('!='), id: Number(tokens.next()) };
    else if (tokens.takes('group')) group = Number(tokens.next());
    else if (tokens.takes('flags')) flags = tokens.next();
    else if (tokens.takes('tag')) tag = tokens.next();
    else if (tokens.takes('tagged')) tagged = tokens.next();
    else if (tokens.takes('keep') && tokens.takes('state')) state = true;
    else if (tokens.takes('no') && tokens.takes('state')) state = false;
    else throw tokens.error();
  }
  if (flags !== undefined && flags !== 'S/SA' && flags !== 'any') throw tokens.error();
  const keepsState = action === 'pass' && state !== false;
  return {
    kind: 'filter',
    action,
    returns,
    direction,
    quick,
    route,
    user,
    group,
    on,
    family,
    protocols,
    ...ends,
    tag,
    tagged,
    keepsState,
    // The default of a rule that keeps state (pf.conf(5), STATEFUL FILTERING).
    onlySyn: flags === 'S/SA' || (flags === undefined && keepsState),
  };
}

function readOn(tokens: Tokens): Match['on'] {
  if (!tokens.takes('on')) return undefined;
  const negated = tokens.takes('!');
  return { negated, names: tokens.list(() => tokens.next()) };
}

function readFamily(tokens: Tokens): IpFamily | undefined {
  if (tokens.takes('inet')) return 4;
  return tokens.takes('inet6') ? 6 : undefined;
}

function readProtocols(tokens: Tokens): readonly Protocol[] | undefined {
  return tokens.takes('proto') ? tokens.list(() => tokens.oneOf('tcp', 'udp')) : undefined;
}

const ANY: Ends = { negated: false, hosts: undefined, ports: undefined };

function readEnds(tokens: Tokens): { readonly from: Ends; readonly to: Ends } {
  if (tokens.takes('all')) return { from: ANY, to: ANY };
  const from = tokens.takes('from') ? readEnd(tokens) : ANY;
  const to = tokens.takes('to') ? readEnd(tokens) : ANY;
  return { from, to };
}

function readEnd(tokens: Tokens): Ends {
  if (tokens.peek() === 'port') return { ...ANY, ports: readPorts(tokens) };
  const negated = tokens.takes('!');
  const hosts = tokens.takes('any') ? undefined : tokens.list(() => readHost(tokens));
  return { negated, hosts, ports: readPorts(tokens) };
}

function readHost(tokens: Tokens): AddressTable | { readonly table: string } {
  const host = tokens.next();
  const table = /^<([\w.-]+)>$/.exec(host)?.[1];
  return table === undefined ? new AddressTable([host]) : { table };
}

function readPorts(tokens: Tokens): readonly PortTest[] | undefined {
  if (!tokens.takes('port')) return undefined;
  return tokens.list(() => {
    const negated = tokens.takes('!=');
    if (!negated) tokens.takes('=');
    const [first = '', last] = tokens.next().split(':');
    return { first: readPort(first, tokens), last: readPort(last ?? first, tokens), negated };
  });
}

function readPort(text: string, tokens: Tokens): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw tokens.error();
  return port;
}

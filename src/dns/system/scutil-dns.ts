import { canonicalAddress } from '../../net/address/literal.ts';
import type { Nameserver } from './resolv-conf.ts';

/** One `resolver #N` of `scutil --dns`: whom macOS asks, and for what. */
export interface ScutilResolver {
  /** Lower case, without a dot at the end; undefined for one that is asked for every name. */
  readonly domain: string | undefined;
  readonly searchDomains: readonly string[];
  readonly nameservers: readonly Nameserver[];
  /** 53 where it is not said. */
  readonly port: number;
  /** Asked only by whoever has chosen its interface. */
  readonly isScoped: boolean;
  /** By multicast, or for a zone of Apple's own: no query of it can be redirected. */
  readonly isSpecial: boolean;
}

const DNS_PORT = 53;

/** What may be printed at most; a machine with every private zone of a VPN has some hundreds. */
const MAX_RESOLVERS = 4_096;

/**
 * Reads what `scutil --dns` prints (native-notes/macos-dns.md): the resolvers of all programs, then those `for scoped queries`, and on
 * macOS 10.15 and later those `for service-specific queries`. What is not known is passed over.
 */
export function parseScutilDns(text: string): readonly ScutilResolver[] {
  const resolvers: Draft[] = [];
  let isScoped = false;
  let isOther = false;
  let current: Draft | undefined;
  for (const line of text.split('\n')) {
    if (/^DNS configuration/.test(line)) {
      isScoped = /scoped queries/.test(line);
      isOther = /service-specific/.test(line);
      current = undefined;
    } else if (/^resolver #\d+/.test(line)) {
      current = {
        domain: undefined,
        searchDomains: [],
        nameservers: [],
        port: DNS_PORT,
        isScoped,
        isSpecial: false,
      };
      if (!isOther && resolvers.length < MAX_RESOLVERS) resolvers.push(current);
    } else if (current !== undefined) readField(line, current);
  }
  return resolvers;
}

type Draft = { -readonly [K in keyof ScutilResolver]: ScutilResolver[K] };

function readField(line: string, into: Draft): void {
  const [, name = '', value = ''] = /^ +([a-z_]+(?: domain)?)\s*(?:\[\d+\])?\s*: (.*?)\s*$/.exec(line) ?? [];
  if (name === 'nameserver') {
    const [word = '', scope] = value.split('%');
    const address = canonicalAddress(word);
    if (address !== undefined) into.nameservers = [...into.nameservers, { address, scope }];
  } else if (name === 'search domain') into.searchDomains = [...into.searchDomains, plain(value)];
  else if (name === 'domain') into.domain = plain(value);
  else if (name === 'port') into.port = Number(value) || DNS_PORT;
  else if (name === 'options') into.isSpecial = /\b(?:mdns|pdns)\b/.test(value);
  else if (name === 'flags' && /\bScoped\b/.test(value)) into.isScoped = true;
}

function plain(domain: string): string {
  return domain.toLowerCase().replace(/\.$/, '');
}

/**
 * Whom macOS asks on port 53, each once: for every name first, then for zones of a VPN's, then by those who have chosen an interface,
 * as mDNSResponder itself may.
 */
export function nameserversOf(resolvers: readonly ScutilResolver[]): readonly Nameserver[] {
  const rank = ({ domain, isScoped }: ScutilResolver): number =>
    isScoped ? 2 : domain === undefined ? 0 : 1;
  const usual = resolvers.filter(({ isSpecial, port }) => !isSpecial && port === DNS_PORT);
  const all = [0, 1, 2].flatMap((wanted) => usual.filter((one) => rank(one) === wanted));
  const found = new Map<string, Nameserver>();
  for (const nameserver of all.flatMap(({ nameservers }) => nameservers)) {
    if (!found.has(nameserver.address)) found.set(nameserver.address, nameserver);
  }
  return [...found.values()];
}

/** What is put behind a name without dots: the search domains of the resolvers for every name. */
export function searchDomainsOf(resolvers: readonly ScutilResolver[]): readonly string[] {
  const general = resolvers.filter(({ domain, isScoped }) => domain === undefined && !isScoped);
  return [...new Set(general.flatMap(({ searchDomains }) => searchDomains))];
}

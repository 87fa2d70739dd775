import { readFileSync } from 'node:fs';
import { systemWords } from '../../core/systems/system-words.ts';
import { formatZone, type Zone, zoneOf } from '../../net/address/zone.ts';
import { RESOLV_CONF_FILES } from './resolv-conf.ts';
import { hasScutil, scutilResolvers } from './scutil.ts';
import { searchDomainsOf } from './scutil-dns.ts';

/** How many labels a name has at least that is asked for as it is first, where resolv.conf does not say (resolv.conf(5)). */
const DEFAULT_NDOTS = 1;

/** How libc expands a name. */
export interface SearchRules {
  /** Lower case, without a dot at the end. */
  readonly domains: readonly string[];
  /** A name with fewer dots is asked for with each of the domains first. */
  readonly ndots: number;
}

/** The `search` and `domain` lines, of which the last counts, and `ndots` (resolv.conf(5)). */
export function parseSearchRules(text: string): SearchRules {
  let domains: readonly string[] = [];
  let ndots = DEFAULT_NDOTS;
  for (const line of text.split('\n')) {
    const [word, ...values] = line.trim().split(/\s+/);
    const named = values
      .map((value) => value.toLowerCase().replace(/^\.|\.$/g, ''))
      .filter((value) => value !== '');
    if (word === 'search') domains = named;
    else if (word === 'domain') domains = named.slice(0, 1);
    else if (word === 'options') {
      const found = values.flatMap((value) => /^ndots:(\d{1,2})$/.exec(value)?.[1] ?? []).at(-1);
      if (found !== undefined) ndots = Number(found);
    }
  }
  return { domains, ndots };
}

/** Of this machine: what libc goes by, and what systemd-resolved tells of its links, which libc may not. Read anew. */
export function systemSearchRules(readText: (path: string) => string = readIfThere): SearchRules {
  const all = RESOLV_CONF_FILES.map((file) => parseSearchRules(readText(file)));
  const ofSystem = hasScutil() ? searchDomainsOf(scutilResolvers()) : [];
  return {
    domains: [...new Set([...ofSystem, ...all.flatMap(({ domains }) => domains)])],
    ndots: all[0]?.ndots ?? DEFAULT_NDOTS,
  };
}

/** Whether a search domain that is in a zone may have made the name of another one: `www.example.com.internal.example`. */
export function isFromSearch(name: string, { domains }: SearchRules, zones: readonly Zone[]): boolean {
  return domains.some(
    (domain) => name.endsWith(`.${domain}`) && zoneOf(name, zones) !== undefined && isInZone(domain, zones),
  );
}

/** What is to be told of search domains that are in zones, and what to do about it; undefined where it does no harm. */
export function searchWarning(
  { domains, ndots }: SearchRules,
  zones: readonly Zone[],
): SearchWarning | undefined {
  const searched = domains.filter((domain) => isInZone(domain, zones));
  const [first] = searched;
  if (first === undefined) return undefined;
  const where = zones.filter((zone) => searched.some((domain) => isInZone(domain, [zone]))).map(formatZone);
  const isHarmful = ndots > DEFAULT_NDOTS;
  const settings = systemWords().resolverSettings;
  const what = isHarmful
    ? `${settings} searches ${searched.join(', ')}, in --domain ${where.join(', ')}, with ndots:${ndots}: a name of outside ` +
      `with fewer dots is asked for as NAME.${first} first, each time through the bastion`
    : `${settings} searches ${searched.join(', ')}, in --domain ${where.join(', ')}: a name that does not exist outside is ` +
      `asked for as NAME.${first}, through the bastion`;
  const remedy = isHarmful
    ? 'leave the zone out of its search line, or ndots at 1; a name with a dot at its end is asked for as it is'
    : 'nothing is to be done where names without a domain are wanted';
  return { isHarmful, what, remedy };
}

/** A line for people, and its remedy. */
export interface SearchWarning {
  /** Whether every name of outside is concerned. */
  readonly isHarmful: boolean;
  readonly what: string;
  readonly remedy: string;
}

/** Also one that a zone is only below of: `*.internal.example` has what `search internal.example` makes. */
function isInZone(domain: string, zones: readonly Zone[]): boolean {
  return zones.some(({ name }) => domain === name || domain.endsWith(`.${name}`));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

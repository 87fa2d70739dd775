/** Names that are answered here: a name with all below it, or (`*.`) only what is below it. Canonical. */
export interface Zone {
  /** Lower case, without a dot at the end. */
  readonly name: string;
  readonly includes: 'itself-and-below' | 'only-below';
}

/** The longest name as text (RFC 1035 section 2.3.4, without the last dot). */
export const MAX_NAME_CHARACTERS = 253;

/** Parses `internal.example`, `.internal.example`, `*.rds.amazonaws.com`; undefined when it is none of these. */
export function parseZone(text: string): Zone | undefined {
  const [, wildcard, rest = ''] = /^(\*?\.)?(.*?)\.?$/.exec(text.toLowerCase()) ?? [];
  const labels = rest.split('.');
  // Underscores are no part of host names, but of names (_ldap._tcp.example).
  const isName = labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  if (!isName || rest.length > MAX_NAME_CHARACTERS) return undefined;
  return { name: rest, includes: wildcard === '*.' ? 'only-below' : 'itself-and-below' };
}

/** A name in lower case, without a dot at the end: as names are compared (RFC 1035 section 2.3.3). */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

/**
 * The zone that answers a name: of several the longest; undefined when the name goes the normal way.
 *
 * @param name as in the query, in any case, with or without the last dot
 */
export function zoneOf(name: string, zones: readonly Zone[]): Zone | undefined {
  const canonical = canonicalName(name);
  let longest: Zone | undefined;
  for (const zone of zones) {
    if (!isIn(canonical, zone)) continue;
    if (longest === undefined || zone.name.length > longest.name.length) longest = zone;
  }
  return longest;
}

function isIn(name: string, zone: Zone): boolean {
  return name.endsWith(`.${zone.name}`) || (zone.includes === 'itself-and-below' && name === zone.name);
}

/** Renders `internal.example` or `*.rds.amazonaws.com`. */
export function formatZone({ name, includes }: Zone): string {
  return includes === 'only-below' ? `*.${name}` : name;
}

import { type ResolvectlOptions, resolvectl } from './resolvectl.ts';

/** Where a setting holds, as resolvectl(1) says it: `Global: no`, `Link 2 (eth0): yes`. */
const SETTING = /^(?:Global|Link \d+ \(([^)]+)\)): (\S+)$/gm;

/**
 * Why systemd-resolved may not take our answers, a line for people each, with the remedy; none where it does not run. It asks
 * over TLS, which no rule can redirect, or wants signatures, which nobody has for a zone that the signed zone above it does
 * not know (native-notes/dns-redirect.md). Never rejects.
 */
export async function resolvedObstacles(
  options: Partial<ResolvectlOptions> = {},
): Promise<readonly string[]> {
  const [overTls, signed] = await Promise.all([
    resolvectl(['dnsovertls'], options),
    resolvectl(['dnssec'], options),
  ]);
  return [
    ...obstacles(overTls, {
      what: (where) => `asks its nameservers${where} over TLS, where no query can be redirected`,
      command: 'dnsovertls',
      setting: 'DNSOverTLS=no',
    }),
    ...obstacles(signed, {
      what: (where) => `wants signed answers${where}, which names behind the bastion may not have`,
      command: 'dnssec',
      setting: 'DNSSEC=no',
    }),
  ];
}

interface Obstacle {
  readonly what: (where: string) => string;
  /** Of resolvectl(1). */
  readonly command: string;
  /** Of resolved.conf(5). */
  readonly setting: string;
}

function obstacles(printed: string, { what, command, setting }: Obstacle): readonly string[] {
  const set = [...printed.matchAll(SETTING)].filter(([, , value]) => value !== 'no');
  const links = set.flatMap(([, link]) => link ?? []);
  if (set.length === 0) return [];
  // What is set for the machine holds on every link that is not told otherwise.
  const isGlobal = links.length < set.length;
  const where = isGlobal ? '' : ` of ${links.join(', ')}`;
  const remedy = isGlobal
    ? `${setting} in /etc/systemd/resolved.conf`
    : links.map((link) => `sudo resolvectl ${command} ${link} no`).join('; ');
  return [`systemd-resolved ${what(where)}; to have names answered: ${remedy}`];
}

import type { Endpoint, IpFamily } from '../net/endpoint.ts';
import { ALL_PORTS, formatPortRange, type PortRange } from '../net/port-range.ts';
import { addressValue, prefixLengthOf } from './address-value.ts';
import type { AddressInterval, PortGroup, RedirectPlan } from './redirect-plan.ts';

/**
 * Renders redirect plans for nft(8). Pure; nothing here runs anything (native-notes/nft.md).
 *
 * One table holds everything of one tunnel. Each text is one transaction: the kernel takes all of it or nothing. Rules
 * change at one instant, maps do not: one that comes or goes in the same transaction as the rules that ask it fails
 * some packets. A plan that replaces another therefore takes three: its maps, its rules, the removal of the old maps.
 */

/** What the table says of itself. */
export interface NftTableOptions {
  /** {@link formatInstance} of the helper; names an empty chain, which every version of nft can hold and list. */
  readonly instance: string;
  /** `owner`: the kernel removes the table when the process that made it ends (`flags owner`, kernel 5.12). */
  readonly lifetime: 'owner' | 'until-removed';
}

/** What the names of our tables begin with; the listener port follows. */
export const TABLE_PREFIX = 'tshuttle-';
/** What the name of the chain that carries the instance begins with. */
export const INSTANCE_PREFIX = 'helper-';

/** Before the NAT of Docker, firewalld and iptables-nft (all -100): at one hook the first decision stands. */
const HOOK_PRIORITY = -110;

/** Addresses of one link: routers do not carry them, and 169.254.169.254 is the cloud's metadata service. */
const LINK_LOCAL: Readonly<Record<IpFamily, string>> = { 4: '169.254.0.0/16', 6: 'fe80::/10' };

/** `inet tshuttle-PORT`: the table of the tunnel whose listener has this port. */
export function nftTable(listenerPort: number): string {
  return `inet ${TABLE_PREFIX}${listenerPort}`;
}

/** Renders the transaction that makes the tunnel's table, in place of one that a dead instance may have left. */
export function renderNft(plan: RedirectPlan, options: NftTableOptions): string {
  const table = nftTable(plan.listenerPort);
  return textOf([
    // `delete` fails where there is no table.
    `add table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    ...renderFlags(options.lifetime),
    `  chain ${INSTANCE_PREFIX}${options.instance} {`,
    '  }',
    ...plan.families.flatMap((family) => renderExemptSet(family, plan.exempt)),
    ...renderPortSet(exemptPorts(plan)),
    ...renderMaps(plan, FIRST_GENERATION),
    '  chain capture {',
    `    meta l4proto tcp redirect to :${plan.listenerPort}`,
    '  }',
    ...renderOutput(plan, FIRST_GENERATION),
    '}',
  ]);
}

/** The generation of the plan that {@link renderNft} was given; each replacement counts one up. */
export const FIRST_GENERATION = 1;

/** A plan that is to replace another. */
export interface NftReplacement extends Pick<NftTableOptions, 'lifetime'> {
  readonly plan: RedirectPlan;
  readonly generation: number;
}

/** Renders the first of three transactions: the maps of the new plan, which no rule asks yet. */
export function renderNftMaps({ plan, lifetime, generation }: NftReplacement): string {
  return textOf([
    `table ${nftTable(plan.listenerPort)} {`,
    // The kernel takes a mention of the table without its flag for an attempt to clear it.
    ...renderFlags(lifetime),
    ...plan.families.flatMap((family) => renderExemptSet(family, [])),
    ...renderPortSet([]),
    ...renderMaps(plan, generation),
    '}',
  ]);
}

/** Renders the second: the rules that ask the new maps, in place of those that ask the old. */
export function renderNftSwitch({ plan, lifetime, generation }: NftReplacement): string {
  const table = nftTable(plan.listenerPort);
  const rules = textOf([
    `flush chain ${table} output`,
    `table ${table} {`,
    ...renderFlags(lifetime),
    ...renderOutput(plan, generation),
    '}',
  ]);
  return (
    rules +
    textOf(replaceElements(`${table} ${EXEMPT_PORT_SET}`, exemptPorts(plan))) +
    renderNftExempt(plan, plan.exempt)
  );
}

/** Renders the third: the removal of the maps that no rule asks any more; empty when that plan had none. */
export function renderNftStale({ plan, generation }: Omit<NftReplacement, 'lifetime'>): string {
  return textOf(
    mapsOf(plan).map(
      ({ index, family }) =>
        `delete map ${nftTable(plan.listenerPort)} ${mapName(generation, index, family)}`,
    ),
  );
}

/** Renders the transaction that replaces the endpoints that are never captured. */
export function renderNftExempt(
  plan: Pick<RedirectPlan, 'listenerPort' | 'families'>,
  exempt: readonly Endpoint[],
): string {
  const table = nftTable(plan.listenerPort);
  return textOf(
    plan.families.flatMap((family) => {
      return replaceElements(`${table} exempt${family}`, exemptElements(exempt, family));
    }),
  );
}

function replaceElements(set: string, elements: readonly string[]): string[] {
  return [
    `flush set ${set}`,
    ...(elements.length > 0 ? [`add element ${set} { ${elements.join(', ')} }`] : []),
  ];
}

/** Renders the removal of a table that exists. */
export function renderNftRemoval(listenerPort: number): string {
  return `delete table ${nftTable(listenerPort)}\n`;
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function renderFlags(lifetime: NftTableOptions['lifetime']): string[] {
  return lifetime === 'owner' ? ['  flags owner'] : [];
}

function renderExemptSet(family: IpFamily, exempt: readonly Endpoint[]): string[] {
  return [
    `  set exempt${family} {`,
    `    type ${addressType(family)} . inet_service`,
    ...renderElements(exemptElements(exempt, family)),
    '  }',
  ];
}

/** The set of the source ports from which nameservers are asked past the redirect. */
export const EXEMPT_PORT_SET = 'exempt_ports';

function renderPortSet(ports: readonly string[]): string[] {
  return [`  set ${EXEMPT_PORT_SET} {`, '    type inet_service', ...renderElements(ports), '  }'];
}

function exemptPorts({ dns }: RedirectPlan): string[] {
  return [...new Set(dns?.exemptPorts ?? [])].map(String);
}

function exemptElements(exempt: readonly Endpoint[], family: IpFamily): string[] {
  const elements = exempt
    .filter((endpoint) => endpoint.family === family)
    .map((endpoint) => `${endpoint.address} . ${endpoint.port}`);
  return [...new Set(elements)];
}

interface GroupMap {
  readonly index: number;
  readonly family: IpFamily;
  readonly ports: PortRange;
  readonly intervals: readonly AddressInterval[];
}

/** One map for each group and family that has intervals, in the order in which they decide. */
function mapsOf(plan: RedirectPlan): GroupMap[] {
  return plan.groups
    .flatMap((group, index) =>
      plan.families.map((family) => ({
        index,
        family,
        ports: group.ports,
        intervals: intervalsOf(group, family),
      })),
    )
    .filter((map) => map.intervals.length > 0);
}

function renderMaps(plan: RedirectPlan, generation: number): string[] {
  return mapsOf(plan).flatMap(({ index, family, intervals }) => [
    `  map ${mapName(generation, index, family)} {`,
    `    type ${addressType(family)} : verdict`,
    '    flags interval',
    ...renderElements(intervals.map((interval) => renderInterval(family, interval))),
    '  }',
  ]);
}

function renderElements(elements: readonly string[]): string[] {
  if (elements.length === 0) return [];
  return ['    elements = {', ...elements.map((element) => `      ${element},`), '    }'];
}

function renderInterval(family: IpFamily, { first, last, action }: AddressInterval): string {
  const prefixLength = prefixLengthOf(family, addressValue(family, first), addressValue(family, last));
  const network = first === last ? first : `${first}/${prefixLength}`;
  return `${prefixLength === undefined ? `${first}-${last}` : network} : ${action === 'capture' ? 'goto capture' : 'return'}`;
}

function renderOutput(plan: RedirectPlan, generation: number): string[] {
  return [
    '  chain output {',
    `    type nat hook output priority ${HOOK_PRIORITY}; policy accept;`,
    ...renderDecisions(plan, generation).map((rule) => `    ${rule}`),
    '  }',
  ];
}

/** The rules of the output chain, in the order in which they decide. */
function renderDecisions(plan: RedirectPlan, generation: number): string[] {
  return [
    ...plan.families.map((family) => `${destination(family)} . tcp dport @exempt${family} return`),
    // Before what is never captured: the stub of systemd-resolved is an address of this machine.
    ...renderDns(plan),
    'meta l4proto != tcp return',
    'fib daddr type { local, broadcast, multicast, anycast } return',
    ...plan.families.map((family) => `${destination(family)} ${LINK_LOCAL[family]} return`),
    ...mapsOf(plan).map(
      ({ index, family, ports }) =>
        `${portMatch(ports)}${destination(family)} vmap @${mapName(generation, index, family)}`,
    ),
  ];
}

/** What DNS goes by. */
const PROTOCOLS = ['udp', 'tcp'] as const;

/** A rule for each: a set that came or went with the rules would fail packets, and these are few. */
function renderDns({ dns, families }: RedirectPlan): string[] {
  if (dns === null) return [];
  const passing = PROTOCOLS.map(
    (protocol) => `${protocol} dport 53 ${protocol} sport @${EXEMPT_PORT_SET} return`,
  );
  const redirects = dns.redirects.flatMap(({ nameserver, port }) => {
    const family = nameserver.includes(':') ? 6 : 4;
    if (!families.includes(family)) return [];
    return PROTOCOLS.map(
      (protocol) => `${destination(family)} ${nameserver} ${protocol} dport 53 redirect to :${port}`,
    );
  });
  return [...passing, ...redirects];
}

function portMatch(ports: PortRange): string {
  const isAll = ports.first === ALL_PORTS.first && ports.last === ALL_PORTS.last;
  return isAll ? '' : `tcp dport ${formatPortRange(ports)} `;
}

function intervalsOf(group: PortGroup, family: IpFamily): readonly AddressInterval[] {
  return family === 4 ? group.intervals4 : group.intervals6;
}

function mapName(generation: number, index: number, family: IpFamily): string {
  return `plan${generation}_group${index}_${family}`;
}

function addressType(family: IpFamily): string {
  return `ipv${family}_addr`;
}

function destination(family: IpFamily): string {
  return family === 4 ? 'ip daddr' : 'ip6 daddr';
}

import type { Endpoint, IpFamily } from '../net/endpoint.ts';
import { ALL_PORTS, formatPortRange, type PortRange } from '../net/port-range.ts';
import { addressValue, prefixLengthOf } from './address-value.ts';
import type { AddressInterval, PortGroup, RedirectPlan } from './redirect-plan.ts';

/**
 * Renders redirect plans for nft(8). Pure; nothing here runs anything (native-notes/nft.md).
 *
 * One table holds everything of one tunnel. Each text is one transaction: the kernel takes all of it or nothing.
 */

/** How the kernel is told whose table it is. */
export interface NftTableOptions {
  /** {@link formatInstance} of the helper; names an empty chain, which every version of nft can hold and list. */
  readonly instance: string;
  /** `owner`: the kernel removes the table when the process that made it ends (`flags owner`, kernel 5.12). */
  readonly lifetime: 'owner' | 'until-removed';
  /** `ours`: this process has made the table before, and owns it; `unknown`: a dead instance may have left one. */
  readonly before: 'ours' | 'unknown';
}

const TABLE_PREFIX = 'tshuttle-';
const INSTANCE_PREFIX = 'helper-';

/** Before the NAT of Docker, firewalld and iptables-nft (all -100): at one hook the first decision stands. */
const HOOK_PRIORITY = -110;

/** `inet tshuttle-PORT`: the table of the tunnel whose listener has this port. */
export function nftTable(listenerPort: number): string {
  return `inet ${TABLE_PREFIX}${listenerPort}`;
}

/** Renders the transaction that replaces the tunnel's table by one that does what the plan says. */
export function renderNft(plan: RedirectPlan, options: NftTableOptions): string {
  const table = nftTable(plan.listenerPort);
  const lines = [
    // `delete` fails where there is no table; `add` without the owner flag fails on an owned one.
    ...(options.before === 'ours' ? [] : [`add table ${table}`]),
    `delete table ${table}`,
    `table ${table} {`,
    ...(options.lifetime === 'owner' ? ['  flags owner'] : []),
    `  chain ${INSTANCE_PREFIX}${options.instance} {`,
    '  }',
    ...plan.families.flatMap((family) => renderExemptSet(plan, family)),
    ...plan.groups.flatMap((group, index) =>
      plan.families.flatMap((family) => renderMap(group, index, family)),
    ),
    '  chain capture {',
    `    meta l4proto tcp redirect to :${plan.listenerPort}`,
    '  }',
    '  chain output {',
    `    type nat hook output priority ${HOOK_PRIORITY}; policy accept;`,
    ...renderDecisions(plan).map((rule) => `    ${rule}`),
    '  }',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** Renders the transaction that replaces the endpoints that are never captured. */
export function renderNftExempt(
  plan: Pick<RedirectPlan, 'listenerPort' | 'families'>,
  exempt: readonly Endpoint[],
): string {
  const table = nftTable(plan.listenerPort);
  const lines = plan.families.flatMap((family) => {
    const set = `${table} exempt${family}`;
    const elements = exemptElements(exempt, family);
    return [
      `flush set ${set}`,
      ...(elements.length > 0 ? [`add element ${set} { ${elements.join(', ')} }`] : []),
    ];
  });
  return `${lines.join('\n')}\n`;
}

/** Renders the removal of a table that exists. */
export function renderNftRemoval(listenerPort: number): string {
  return `delete table ${nftTable(listenerPort)}\n`;
}

/** A table of ours as the kernel lists it. */
export interface ListedTable {
  readonly listenerPort: number;
  /** What {@link NftTableOptions.instance} said, if it is there. */
  readonly instance: string | undefined;
}

/** Finds the tables of all tunnels in the output of `nft list chains inet`. */
export function parseNftChains(listing: string): ListedTable[] {
  const tables: Array<{ listenerPort: number; instance: string | undefined }> = [];
  let inOurs = false;
  for (const line of listing.split('\n')) {
    const table = /^table inet (\S+) \{/.exec(line)?.[1];
    if (table !== undefined) {
      const port = new RegExp(`^${TABLE_PREFIX}(\\d{1,5})$`).exec(table)?.[1];
      inOurs = port !== undefined;
      if (port !== undefined) tables.push({ listenerPort: Number(port), instance: undefined });
      continue;
    }
    const instance = new RegExp(`^\\s+chain ${INSTANCE_PREFIX}([0-9-]+) \\{`).exec(line)?.[1];
    const current = tables.at(-1);
    if (inOurs && instance !== undefined && current !== undefined) current.instance = instance;
  }
  return tables;
}

function renderExemptSet(plan: RedirectPlan, family: IpFamily): string[] {
  const elements = exemptElements(plan.exempt, family);
  return [
    `  set exempt${family} {`,
    `    type ${addressType(family)} . inet_service`,
    ...renderElements(elements),
    '  }',
  ];
}

function exemptElements(exempt: readonly Endpoint[], family: IpFamily): string[] {
  const elements = exempt
    .filter((endpoint) => endpoint.family === family)
    .map((endpoint) => `${endpoint.address} . ${endpoint.port}`);
  return [...new Set(elements)];
}

function renderMap(group: PortGroup, index: number, family: IpFamily): string[] {
  const intervals = intervalsOf(group, family);
  if (intervals.length === 0) return [];
  return [
    `  map ${mapName(index, family)} {`,
    `    type ${addressType(family)} : verdict`,
    '    flags interval',
    ...renderElements(intervals.map((interval) => renderInterval(family, interval))),
    '  }',
  ];
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

/** The rules of the output chain, in the order in which they decide. */
function renderDecisions(plan: RedirectPlan): string[] {
  const has4 = plan.families.includes(4);
  const has6 = plan.families.includes(6);
  return [
    'meta l4proto != tcp return',
    ...plan.families.map((family) => `${destination(family)} . tcp dport @exempt${family} return`),
    'fib daddr type { local, broadcast, multicast, anycast } return',
    ...(has4 ? ['ip daddr 169.254.0.0/16 return'] : []),
    ...(has6 ? ['ip6 daddr fe80::/10 return'] : []),
    ...plan.groups.flatMap((group, index) =>
      plan.families
        .filter((family) => intervalsOf(group, family).length > 0)
        .map((family) => `${portMatch(group.ports)}${destination(family)} vmap @${mapName(index, family)}`),
    ),
  ];
}

function portMatch(ports: PortRange): string {
  const isAll = ports.first === ALL_PORTS.first && ports.last === ALL_PORTS.last;
  return isAll ? '' : `tcp dport ${formatPortRange(ports)} `;
}

function intervalsOf(group: PortGroup, family: IpFamily): readonly AddressInterval[] {
  return family === 4 ? group.intervals4 : group.intervals6;
}

function mapName(index: number, family: IpFamily): string {
  return `group${index}_${family}`;
}

function addressType(family: IpFamily): string {
  return `ipv${family}_addr`;
}

function destination(family: IpFamily): string {
  return family === 4 ? 'ip daddr' : 'ip6 daddr';
}

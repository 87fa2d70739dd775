import { prefixLengthOf } from '../../../net/address/cidr.ts';
import type { Endpoint } from '../../../net/address/endpoint.ts';
import { addressToNumber, type IpFamily } from '../../../net/address/literal.ts';
import type { PortRange } from '../../../net/address/port-range.ts';
import type { AddressInterval, PortGroup, RedirectPlan } from '../redirect-plan.ts';

/** The sets and maps that the rules of the output chain look into. */

/** The set of the endpoints of one family that are never captured. */
export function renderExemptSet(family: IpFamily, exempt: readonly Endpoint[]): string[] {
  return [
    `  set exempt${family} {`,
    `    type ${addressType(family)} . inet_service`,
    ...renderElements(exemptElements(exempt, family)),
    '  }',
  ];
}

/** The set of the source ports from which nameservers are asked past the redirect. */
export const EXEMPT_PORT_SET = 'exempt_ports';

/** The set of the source ports whose datagrams are never refused. */
export const UDP_PORT_SET = 'udp_in_use';

/** What the set of one family's addresses to which UDP is never refused is called, before the family. */
export const EXEMPT_ADDRESS_SET = 'udp_exempt';

/** A set of ports. */
export function renderPortSet(name: string, ports: readonly string[]): string[] {
  return [`  set ${name} {`, '    type inet_service', ...renderElements(ports), '  }'];
}

/** The set {@link EXEMPT_ADDRESS_SET} of a family. */
export function renderAddressSet(family: IpFamily, addresses: readonly string[]): string[] {
  return [
    `  set ${EXEMPT_ADDRESS_SET}${family} {`,
    `    type ${addressType(family)}`,
    ...renderElements(addresses),
    '  }',
  ];
}

/** The elements of {@link EXEMPT_PORT_SET}. */
export function exemptPorts({ dns }: RedirectPlan): string[] {
  return [...new Set(dns?.exemptPorts ?? [])].map(String);
}

/** The elements of the set of one family's exempt endpoints. */
export function exemptElements(exempt: readonly Endpoint[], family: IpFamily): string[] {
  const elements = exempt
    .filter((endpoint) => endpoint.family === family)
    .map((endpoint) => `${endpoint.address} . ${endpoint.port}`);
  return [...new Set(elements)];
}

/** The statements that give a set other elements, in one transaction. */
export function replaceElements(set: string, elements: readonly string[]): string[] {
  return [
    `flush set ${set}`,
    ...(elements.length > 0 ? [`add element ${set} { ${elements.join(', ')} }`] : []),
  ];
}

/** The map that decides about the addresses of one group of ports, in one family. */
interface GroupMap {
  readonly index: number;
  readonly family: IpFamily;
  readonly ports: PortRange;
  readonly intervals: readonly AddressInterval[];
}

/** One map for each group and family that has intervals, in the order in which they decide. */
export function mapsOf(plan: RedirectPlan): GroupMap[] {
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

/** Declares the maps of a plan. */
export function renderMaps(plan: RedirectPlan, generation: number): string[] {
  return mapsOf(plan).flatMap(({ index, family, intervals }) => [
    `  map ${mapName(generation, index, family)} {`,
    `    type ${addressType(family)} : verdict`,
    '    flags interval',
    ...renderElements(intervals.map((interval) => renderInterval(family, interval))),
    '  }',
  ]);
}

function renderInterval(family: IpFamily, { first, last, action }: AddressInterval): string {
  const prefixLength = prefixLengthOf({
    family,
    first: addressToNumber(family, first),
    last: addressToNumber(family, last),
  });
  const network = first === last ? first : `${first}/${prefixLength}`;
  return `${prefixLength === undefined ? `${first}-${last}` : network} : ${action === 'capture' ? 'goto capture' : 'return'}`;
}

function intervalsOf(group: PortGroup, family: IpFamily): readonly AddressInterval[] {
  return family === 4 ? group.intervals4 : group.intervals6;
}

/** Another one in each generation, for a map cannot be replaced while rules ask it. */
export function mapName(generation: number, index: number, family: IpFamily): string {
  return `plan${generation}_group${index}_${family}`;
}

/** Nft takes no empty list. */
function renderElements(elements: readonly string[]): string[] {
  if (elements.length === 0) return [];
  return ['    elements = {', ...elements.map((element) => `      ${element},`), '    }'];
}

function addressType(family: IpFamily): string {
  return `ipv${family}_addr`;
}

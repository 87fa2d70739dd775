import { readFileSync } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { cidrOf, formatCidr, middleOf, rangesOverlap } from '../address/cidr.ts';
import { canonicalAddress, familyOf, numberToAddress } from '../address/literal.ts';
import type { SourceAddress } from '../address/source-address.ts';
import { comesInBy, type PlainNetwork, type TrafficSource } from '../address/traffic-source.ts';
import { lookUpRoute } from './route-check.ts';

/** Most addresses at which others' connections are accepted: each has a socket for each nameserver, too. */
const MAX_ADDRESSES = 64;

/** Where connections of others come in by now. */
export interface SourceInterfaces {
  /** At most {@link MAX_ADDRESSES}. */
  readonly addresses: readonly SourceAddress[];
  /** How many more there are. */
  readonly leftOut: number;
  /** The networks on the links of these interfaces. */
  readonly links: readonly PlainNetwork[];
}

/** No source has an interface. */
export const NO_INTERFACES: SourceInterfaces = { addresses: [], leftOut: 0, links: [] };

/** What {@link interfacesOf} has to know of the machine. */
export interface InterfaceView {
  readonly interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
  /** Undefined: it has just gone. */
  readonly indexOf: (interfaceName: string) => number | undefined;
  /** The address that this machine has towards a network, in a canonical form; undefined without a route. */
  readonly ownAddressTowards: (network: PlainNetwork) => Promise<string | undefined>;
}

/**
 * Finds the interfaces that connections from the sources come in by: those of that name, those with an address in the network, and
 * the one that has the route to it. Only those that are up and have a carrier.
 */
export async function interfacesOf(
  sources: readonly TrafficSource[],
  view: InterfaceView = viewOfThisMachine(),
): Promise<SourceInterfaces> {
  if (sources.length === 0) return NO_INTERFACES;
  const towards = new Map<TrafficSource, string | undefined>();
  for (const source of sources) {
    if (source.kind === 'network') towards.set(source, await view.ownAddressTowards(source));
  }
  const addresses: SourceAddress[] = [];
  const links = new Map<string, PlainNetwork>();
  for (const [interfaceName, infos = []] of Object.entries(view.interfaces)) {
    if (infos.some(({ internal }) => internal)) continue;
    const used = sources.filter(
      (source) =>
        comesInBy(source, interfaceName) ||
        (source.kind === 'network' && infos.some((info) => isTowards(info, source, towards.get(source)))),
    );
    const interfaceIndex = used.length === 0 ? undefined : view.indexOf(interfaceName);
    if (interfaceIndex === undefined) continue;
    for (const { address, cidr } of infos) {
      const family = familyOf(address);
      const isOfLink = isLinkLocal6(address);
      if (cidr !== null && !isOfLink) {
        const link = cidrOf(address, Number(cidr.split('/')[1]));
        links.set(formatCidr(link), {
          address: numberToAddress(link.family, link.first),
          prefixLength: link.prefixLength,
        });
      }
      addresses.push({
        interfaceName,
        interfaceIndex,
        family,
        address: isOfLink ? `${address}%${interfaceName}` : address,
        sources: used,
      });
    }
  }
  return {
    addresses: addresses.slice(0, MAX_ADDRESSES),
    leftOut: Math.max(0, addresses.length - MAX_ADDRESSES),
    links: [...links.values()],
  };
}

function isTowards(
  { address, cidr }: NetworkInterfaceInfo,
  network: PlainNetwork,
  ownAddress: string | undefined,
): boolean {
  if (familyOf(address) !== familyOf(network.address) || isLinkLocal6(address)) return false;
  if (ownAddress !== undefined && canonicalAddress(address) === ownAddress) return true;
  const link = cidrOf(address, Number(cidr?.split('/')[1] ?? 0));
  return cidr !== null && rangesOverlap(link, cidrOf(network.address, network.prefixLength));
}

function isLinkLocal6(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address);
}

function viewOfThisMachine(): InterfaceView {
  return { interfaces: interfacesOfThisMachine(), indexOf: readIndex, ownAddressTowards };
}

function interfacesOfThisMachine(): InterfaceView['interfaces'] {
  try {
    return networkInterfaces();
  } catch {
    // getifaddrs(3) is refused in a sandbox without AF_NETLINK.
    return {};
  }
}

function readIndex(interfaceName: string): number | undefined {
  try {
    const index = Number(readFileSync(`/sys/class/net/${interfaceName}/ifindex`, 'latin1'));
    return index > 0 ? index : undefined;
  } catch {
    return undefined;
  }
}

async function ownAddressTowards({ address, prefixLength }: PlainNetwork): Promise<string | undefined> {
  const network = cidrOf(address, prefixLength);
  const route = await lookUpRoute(network.family, numberToAddress(network.family, middleOf(network)));
  return route.kind === 'routed' ? canonicalAddress(route.source) : undefined;
}

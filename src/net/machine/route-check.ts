import { createSocket } from 'node:dgram';
import { systemCodeOf } from '../../core/errors.ts';
import { type Cidr, middleOf } from '../address/cidr.ts';
import { type IpFamily, numberToAddress } from '../address/literal.ts';

/** Any port will do: connecting a datagram socket sends nothing. */
const DISCARD_PORT = 9;

/** What the kernel says of the way to an address. */
export type RouteLookup =
  /** `source`: the address that connections there come from, which tells one way from another. */
  | { readonly kind: 'routed'; readonly source: string }
  /** It refuses to connect, before any rule sees a packet; `none`: it has no route. */
  | { readonly kind: 'none' | 'blackhole' | 'prohibit' | 'unreachable' };

/** What connect(2) says of routes that lead nowhere (native-notes/route-lookup.md). */
const REFUSALS: Readonly<Record<string, 'none' | 'blackhole' | 'prohibit' | 'unreachable'>> = {
  ENETUNREACH: 'none',
  EAFNOSUPPORT: 'none',
  EINVAL: 'blackhole',
  EACCES: 'prohibit',
  EHOSTUNREACH: 'unreachable',
};

/**
 * Has the kernel look up the route to an address, as connect(2) on a stream socket would, without a packet. Redirect rules in the
 * output hook see a connection only after that look-up (native-notes/route-lookup.md).
 */
export function lookUpRoute(family: IpFamily, address: string): Promise<RouteLookup> {
  return new Promise((resolve) => {
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
    const settle = (error?: Error) => {
      const refusal = REFUSALS[systemCodeOf(error) ?? ''];
      const source = error === undefined ? socket.address().address : '';
      socket.close();
      resolve(refusal === undefined ? { kind: 'routed', source } : { kind: refusal });
    };
    socket.once('error', settle);
    socket.connect(DISCARD_PORT, address, settle);
  });
}

/** Whether the kernel has a route to the middle of a network that connections can take. */
export async function hasRoute(network: Cidr): Promise<boolean> {
  return await isRouted(network, lookUpRoute);
}

/** The same by the routes that `lookUp` knows. */
export async function isRouted(network: Cidr, lookUp: typeof lookUpRoute): Promise<boolean> {
  const { family } = network;
  return (await lookUp(family, numberToAddress(family, middleOf(network)))).kind === 'routed';
}

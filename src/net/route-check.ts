import { createSocket } from 'node:dgram';
import { systemCodeOf } from '../core/errors.ts';
import { type Cidr, numberToAddress } from './cidr.ts';

/** Any port will do: connecting a datagram socket sends nothing. */
const DISCARD_PORT = 9;

/**
 * Whether the kernel has a route to the middle of a network.
 *
 * A connected datagram socket makes the kernel look the route up as connect(2) on a stream socket would, without a
 * packet. Redirect rules in the output hook see a connection only after that look-up (native-notes/route-lookup.md).
 */
export function hasRoute(network: Cidr): Promise<boolean> {
  const address = numberToAddress(network.family, network.first + (network.last - network.first + 1n) / 2n);
  return new Promise((resolve) => {
    const socket = createSocket(network.family === 4 ? 'udp4' : 'udp6');
    const settle = (error?: Error) => {
      socket.close();
      const code = systemCodeOf(error);
      resolve(code !== 'ENETUNREACH' && code !== 'EHOSTUNREACH' && code !== 'EAFNOSUPPORT');
    };
    socket.once('error', settle);
    socket.connect(DISCARD_PORT, address, settle);
  });
}

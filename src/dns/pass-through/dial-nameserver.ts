import { connect, type Socket } from 'node:net';
import { DNS_PORT } from '../../net/address/endpoint.ts';
import { type PlacedAddress, type SocketPlace, THIS_MACHINE } from '../../net/sockets/socket-place.ts';
import type { Nameserver } from '../system/resolv-conf.ts';

/** For how long a nameserver may not accept a connection. */
const CONNECT_TIMEOUT_MS = 5_000;

/** How the system takes its address: with the interface where that is needed. */
export function addressToSend({ address, scope }: Nameserver): string {
  return scope === undefined ? address : `${address}%${scope}`;
}

/** Where nameservers are asked from. */
export interface QueryOrigin extends Pick<SocketPlace, 'bind'> {
  /**
   * Connects from a port of its own.
   *
   * @param onMade has the socket as soon as it is made here
   * @throws Error of the system
   */
  connect(to: PlacedAddress, localPort: number, onMade: (socket: Socket) => void): Promise<Socket>;
}

/** The network namespace that we are in. */
export const FROM_THIS_MACHINE: QueryOrigin = {
  bind: (at) => THIS_MACHINE.bind(at),
  connect: (to, localPort, onMade) =>
    new Promise((resolve, reject) => {
      const socket = connect({ ...to, localPort, allowHalfOpen: true, noDelay: true });
      socket.on('error', reject);
      onMade(socket);
      const timer = setTimeout(() => socket.destroy(new Error('timed out')), CONNECT_TIMEOUT_MS);
      socket.on('close', () => {
        clearTimeout(timer);
        reject(new Error('closed before it was connected'));
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    }),
};

/**
 * Connects to a nameserver by TCP, from a port of this machine.
 *
 * @param connections has the socket until it is closed
 * @throws Error of the system
 */
export function connectFrom(
  localPort: number,
  nameserver: Nameserver,
  connections: Set<Socket>,
  origin: QueryOrigin,
): Promise<Socket> {
  const own = (socket: Socket): void => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  };
  return origin.connect({ host: addressToSend(nameserver), port: DNS_PORT }, localPort, own);
}

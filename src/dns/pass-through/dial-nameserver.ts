import { connect, type Socket } from 'node:net';
import { DNS_PORT } from '../../net/address/endpoint.ts';
import type { Nameserver } from '../system/resolv-conf.ts';

/** For how long a nameserver may not accept a connection. */
const CONNECT_TIMEOUT_MS = 5_000;

/** How the system takes its address: with the interface where that is needed. */
export function addressToSend({ address, scope }: Nameserver): string {
  return scope === undefined ? address : `${address}%${scope}`;
}

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
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: addressToSend(nameserver),
      port: DNS_PORT,
      localPort,
      allowHalfOpen: true,
      noDelay: true,
    });
    socket.on('error', reject);
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    const timer = setTimeout(() => socket.destroy(new Error('timed out')), CONNECT_TIMEOUT_MS);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error('closed before it was connected'));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

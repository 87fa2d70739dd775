import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import type { Server } from 'node:net';

/** Where sockets of ours listen: this machine, or a network namespace. */
export interface SocketPlace {
  /**
   * Has a server listen; 0 is a free port of the kernel's choice. The server belongs to the caller, also after a failure.
   *
   * @throws Error with the `code` of the system
   */
  listen(server: Server, at: PlacedAddress): Promise<void>;
  /** A datagram socket at an address, which the caller has to close. @throws Error with the `code` of the system */
  bind(at: PlacedAddress): Promise<UdpSocket>;
}

/** A literal address, and a port. */
export interface PlacedAddress {
  readonly host: string;
  readonly port: number;
}

/** Connections the kernel may queue for us; Linux caps it at net.core.somaxconn (4096 since 5.4). */
export const BACKLOG = 4096;

/** The network namespace that we are in. */
export const THIS_MACHINE: SocketPlace = {
  listen: (server, { host, port }) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: BACKLOG, ipv6Only: true }, () => {
        server.off('error', reject);
        resolve();
      });
    }),
  bind: ({ host, port }) =>
    new Promise((resolve, reject) => {
      const isIpv6 = host.includes(':');
      const socket = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', ipv6Only: isIpv6 });
      const fail = (error: Error): void => {
        socket.close();
        reject(error);
      };
      socket.once('error', fail);
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.off('error', fail);
        resolve(socket);
      });
    }),
};

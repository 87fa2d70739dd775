import { createSocket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { bindToInterface } from '../../native/interfaces/bind-to-interface.ts';
import { openInterfaceDatagram } from '../../native/interfaces/interface-datagram.ts';
import { bindPort } from '../bound-port.ts';
import type { SocketPlace } from '../socket-place.ts';

/**
 * The addresses of one interface: a socket there takes only what comes in by that interface. The kernel would take for one of its
 * addresses whatever comes in anywhere.
 *
 * @param scopeId what the kernel calls the interface in addresses of one link
 */
export function placeOnInterface(interfaceName: string, scopeId: number): SocketPlace {
  return {
    listen: async (server, { host, port }) => {
      const bound = bindPort(host, port, (descriptor) => bindToInterface(descriptor, interfaceName));
      await bound.listen(server);
    },
    bind: async ({ host, port }) => {
      const descriptor = openInterfaceDatagram(host, port, interfaceName, scopeId);
      return await new Promise((resolve, reject) => {
        const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
        const fail = (error: Error): void => {
          socket.close();
          closeSync(descriptor);
          reject(error);
        };
        socket.once('error', fail);
        socket.bind({ fd: descriptor }, () => {
          socket.off('error', fail);
          resolve(socket);
        });
      });
    },
  };
}

import { randomInt } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { systemCodeOf } from '../core/errors.ts';
import type { IpFamily } from '../net/endpoint.ts';

/** Of each family: an answer must be to one of them, so more make guessing harder (RFC 5452 section 4.5). */
const SOCKETS_PER_FAMILY = 15;

const ANY_ADDRESS: Readonly<Record<IpFamily, string>> = { 4: '0.0.0.0', 6: '::' };

/** A socket and its port, which asking the system for each time would cost. */
export interface OwnSocket {
  readonly socket: UdpSocket;
  readonly port: number;
}

/** Takes a datagram, whoever sent it. */
export type ReceiveDatagram = (message: Buffer, from: RemoteInfo, own: OwnSocket) => void;

/**
 * The sockets from which the nameservers that clients have asked are asked. Their ports are exempt from the redirect, so
 * they are held for as long as the rules are: no other program can get one and go past us.
 *
 * Not connected, and not bound to an address: the machine may change networks.
 */
export class OwnSockets {
  /** Kernel's choice; connections by TCP are made from the same ones. */
  readonly ports: readonly number[];
  readonly #sockets: Readonly<Record<IpFamily, readonly OwnSocket[]>>;

  private constructor(sockets: Readonly<Record<IpFamily, readonly OwnSocket[]>>) {
    this.#sockets = sockets;
    this.ports = [...new Set([...sockets[4], ...sockets[6]].map(({ port }) => port))];
  }

  /**
   * Binds them.
   *
   * @throws Error of the system; nothing is left open then. A family that this machine has not is left out.
   */
  static async open(families: readonly IpFamily[], onMessage: ReceiveDatagram): Promise<OwnSockets> {
    const sockets: Record<IpFamily, OwnSocket[]> = { 4: [], 6: [] };
    try {
      for (const family of families) {
        for (let count = 0; count < SOCKETS_PER_FAMILY; count += 1) {
          const socket = await bind(family);
          if (socket === undefined) break;
          const own = { socket, port: socket.address().port };
          sockets[family].push(own);
          socket.on('message', (message, from) => onMessage(message, from, own));
        }
      }
      return new OwnSockets(sockets);
    } catch (error) {
      for (const { socket } of [...sockets[4], ...sockets[6]]) socket.close();
      throw error;
    }
  }

  /** One of the family at random; undefined when there is none. */
  any(family: IpFamily): OwnSocket | undefined {
    const sockets = this.#sockets[family];
    return sockets.length === 0 ? undefined : sockets[randomInt(sockets.length)];
  }

  /** Gives the ports back. Once. */
  close(): void {
    for (const { socket } of [...this.#sockets[4], ...this.#sockets[6]]) socket.close();
  }
}

function bind(family: IpFamily): Promise<UdpSocket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: family === 6 });
    const fail = (error: Error): void => {
      socket.close();
      const code = systemCodeOf(error);
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') resolve(undefined);
      else reject(error);
    };
    socket.once('error', fail);
    socket.bind({ address: ANY_ADDRESS[family], port: 0, exclusive: true }, () => {
      socket.off('error', fail);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

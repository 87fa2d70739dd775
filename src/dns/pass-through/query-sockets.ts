import { randomInt } from 'node:crypto';
import type { RemoteInfo, Socket as UdpSocket } from 'node:dgram';
import { systemCodeOf } from '../../core/errors.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { type Closable, isWithoutFamily, onOnePort } from '../../net/sockets/one-port.ts';
import { FROM_THIS_MACHINE, type QueryOrigin } from './dial-nameserver.ts';

/** An answer must be to one of them, so more make guessing harder (RFC 5452 section 4.5). */
const PORTS = 15;

const ANY_ADDRESS: Readonly<Record<IpFamily, string>> = { 4: '0.0.0.0', 6: '::' };

/** A socket and its port, which asking the system for each time would cost. */
export interface QuerySocket {
  readonly socket: UdpSocket;
  readonly port: number;
}

/** Called for a datagram of any sender. */
export type ReceiveDatagram = (message: Buffer, from: RemoteInfo, own: QuerySocket) => void;

/** A port, by the sockets that hold it: one for each family that this machine has. */
type HeldPort = Readonly<Partial<Record<IpFamily, QuerySocket>>>;

/**
 * The sockets from which the nameservers that clients have asked are asked. Their ports are exempt from the redirect in
 * both families, so each is held in both for as long as the rules are: no other program's query can go past us by UDP.
 *
 * Not connected, and not bound to an address: the machine may change networks.
 */
export class QuerySockets {
  /** Kernel's choice; connections by TCP are made from the same ones. */
  readonly ports: readonly number[];
  readonly #held: readonly HeldPort[];

  private constructor(held: readonly HeldPort[]) {
    this.#held = held;
    this.ports = held.flatMap((port) => socketsOf(port)[0]?.port ?? []);
  }

  /**
   * Binds them.
   *
   * @throws Error of the system; nothing is left open then. A family that this machine has not is left out.
   */
  static async open(
    onMessage: ReceiveDatagram,
    origin: Pick<QueryOrigin, 'bind'> = FROM_THIS_MACHINE,
  ): Promise<QuerySockets> {
    const held: HeldPort[] = [];
    try {
      while (held.length < PORTS) held.push(await onOnePort(0, (opened) => holdPort(opened, origin)));
    } catch (error) {
      // Where other programs have nearly every port, fewer do.
      if (systemCodeOf(error) !== 'EADDRINUSE' || held.length === 0) {
        for (const { socket } of held.flatMap(socketsOf)) socket.close();
        throw error;
      }
    }
    for (const own of held.flatMap(socketsOf)) {
      own.socket.on('message', (message, from) => onMessage(message, from, own));
    }
    return new QuerySockets(held);
  }

  /** One of the family at random; undefined when there is none. */
  any(family: IpFamily): QuerySocket | undefined {
    return this.#held.length === 0 ? undefined : this.#held[randomInt(this.#held.length)]![family];
  }

  /** Gives the ports back. Once. */
  close(): void {
    for (const { socket } of this.#held.flatMap(socketsOf)) socket.close();
  }
}

function socketsOf(port: HeldPort): readonly QuerySocket[] {
  return Object.values(port);
}

/** A port that is free in each family that this machine has. */
async function holdPort(opened: Closable[], origin: Pick<QueryOrigin, 'bind'>): Promise<HeldPort> {
  const held: Partial<Record<IpFamily, QuerySocket>> = {};
  let port = 0;
  for (const family of [6, 4] as const) {
    const socket = await bind(family, port, origin);
    if (socket === undefined) continue;
    opened.push(socket);
    port = socket.address().port;
    held[family] = { socket, port };
  }
  return held;
}

/** @returns undefined when this machine has not the family */
async function bind(
  family: IpFamily,
  port: number,
  origin: Pick<QueryOrigin, 'bind'>,
): Promise<UdpSocket | undefined> {
  try {
    const socket = await origin.bind({ host: ANY_ADDRESS[family], port });
    socket.on('error', () => {});
    return socket;
  } catch (error) {
    if (isWithoutFamily(error)) return undefined;
    throw error;
  }
}

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Interceptor } from '../../intercept/interceptor.ts';
import { methodRow, REDIRECT_METHODS } from '../../intercept/rules/redirect-methods.ts';
import { type Endpoint, formatHostPort, makeEndpoint } from '../../net/address/endpoint.ts';
import { type IpFamily, LOOPBACK } from '../../net/address/literal.ts';
import { BatchedLookUps } from '../destinations/destination-look-ups.ts';

/** Called with each datagram that the rules redirect to us, which is the callee's. */
export type OnDatagram = (source: Endpoint, datagram: Buffer) => void;

/**
 * The datagrams that rules redirect to the UDP port of the listener's number. What is sent back from there has the destination as its
 * source again: the kernel translates it, so that nothing needs a socket of another's address.
 */
export class CapturedDatagrams {
  readonly #sockets: ReadonlyMap<IpFamily, Socket>;
  readonly #lookUps: BatchedLookUps;

  private constructor(sockets: ReadonlyMap<IpFamily, Socket>, lookUps: BatchedLookUps) {
    this.#sockets = sockets;
    this.#lookUps = lookUps;
  }

  /**
   * Receives from now on.
   *
   * @param port of the listener
   * @throws TshuttleError ERR_CONFIG where the method cannot redirect them; ERR_LISTEN
   */
  static async open(
    port: number,
    families: readonly IpFamily[],
    interceptor: Pick<Interceptor, 'method' | 'lookUp'>,
    onDatagram: OnDatagram,
  ): Promise<CapturedDatagrams> {
    if (!methodRow(interceptor.method).redirectsDatagrams) {
      const methods = REDIRECT_METHODS.flatMap((row) => (row.redirectsDatagrams ? [row.name] : [])).join(
        ', ',
      );
      throw new TshuttleError('ERR_CONFIG', `--udp relay is not there for --method ${interceptor.method}`, {
        remedy: `use --method ${methods} (Linux), or --udp reject`,
      });
    }
    const sockets = new Map<IpFamily, Socket>();
    try {
      for (const family of families) sockets.set(family, await openSocket(family, port, onDatagram));
    } catch (error) {
      for (const socket of sockets.values()) socket.close();
      throw error;
    }
    // Each failure is told to whoever has asked.
    const record = { found: () => {}, failed: () => {} };
    return new CapturedDatagrams(
      sockets,
      new BatchedLookUps((sources) => interceptor.lookUp(sources), record),
    );
  }

  /** Where datagrams from this source were going to. @throws TshuttleError ERR_ORIGINAL_DST, ERR_HELPER_LOST */
  destinationOf(source: Endpoint): Promise<Endpoint> {
    return this.#lookUps.of(source);
  }

  /** Sends an answer, which is copied. One that the system does not take is lost, as datagrams are. */
  reply({ family, address, port }: Endpoint, datagram: Buffer): void {
    this.#sockets.get(family)?.send(Buffer.from(datagram), port, address, () => {});
  }

  /** Idempotent. */
  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }
}

async function openSocket(family: IpFamily, port: number, onDatagram: OnDatagram): Promise<Socket> {
  const address = LOOPBACK[family];
  const socket = createSocket({ type: `udp${family}`, ipv6Only: family === 6 });
  // An ICMP error for an answer is nobody's concern.
  const listening = once(socket, 'listening');
  socket.on('error', () => {});
  socket.bind({ port, address, exclusive: true });
  try {
    await listening;
  } catch (error) {
    socket.close();
    const where = formatHostPort(address, port);
    throw new TshuttleError('ERR_LISTEN', `cannot receive UDP at ${where}: ${messageOf(error)}`, {
      remedy: 'choose another port with -l',
      cause: error,
    });
  }
  socket.on('message', (datagram, { address: from, port: fromPort }) => {
    const source = makeEndpoint(from, fromPort);
    if (source !== undefined) onDatagram(source, datagram);
  });
  return socket;
}

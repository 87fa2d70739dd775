import type { Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { familyOf, LOOPBACK } from '../../net/address/literal.ts';
import type { SourceAddress } from '../../net/address/source-address.ts';
import { AdmittedClients } from '../../net/sockets/admitted-clients.ts';
import { descriptorBudget } from '../../net/sockets/descriptor-budget.ts';
import {
  describeRefusedAddress,
  type RefusedAddressProblem,
} from '../../net/sockets/interfaces/refused-address.ts';
import { type Closable, closeAll, isWithoutFamily, onOnePort, portOf } from '../../net/sockets/one-port.ts';
import { type PlacedAddress, type SocketPlace, THIS_MACHINE } from '../../net/sockets/socket-place.ts';
import type { Overload } from '../overload.ts';
import type { QueryOrigin } from '../pass-through/dial-nameserver.ts';
import { PassThrough } from '../pass-through/pass-through.ts';
import type { Nameserver } from '../system/resolv-conf.ts';
import { type DatagramContext, takeDatagram } from './datagrams.ts';
import { type OthersPlace, OthersSockets } from './others-sockets.ts';
import type { QueryPolicy } from './query-policy.ts';
import { serveTcpClient } from './tcp-client.ts';

/** TCP clients at once, by their number and by the part of our descriptors: with more, the one that has said nothing for longest goes. */
const MAX_TCP_CLIENTS = 256;
const SHARE_OF_TCP_CLIENTS = 1 / 8;

/** Where the queries to one nameserver are to go. */
interface ListenAddress {
  readonly nameserver: string;
  /** On the loopback address of the nameserver's family, by UDP and TCP. */
  readonly port: number;
}

/** Where it listens, and what it tells; by itself it is on this machine. */
interface DnsServerOptions {
  readonly listensAt?: SocketPlace | undefined;
  readonly askFrom?: QueryOrigin | undefined;
  /** Called for a TCP client that was reset for want of descriptors. */
  readonly onRejected?: () => void;
}

/**
 * Answers DNS queries on loopback, and where others' are redirected to: in place of nameservers, or with what these say. For each nameserver it listens on a port
 * of its own: a query does not tell whom it was for, but the port where it arrives does.
 *
 * UDP sockets are bound to exact addresses: an answer from a wildcard socket leaves with another source address than the
 * one the query was redirected to, and is not translated back (native-notes/dns-redirect.md).
 */
export class DnsServer {
  readonly #shared: Shared;
  /** By {@link keyOf}. */
  readonly #addresses = new Map<string, ListeningAddress & ListenAddress>();
  #isClosed = false;

  private constructor(shared: Shared) {
    this.#shared = shared;
  }

  /**
   * Starts listening; no connection is opened before the first query.
   *
   * @throws TshuttleError ERR_LISTEN; nothing is left open then
   */
  static async open(
    nameservers: readonly Nameserver[],
    policy: QueryPolicy,
    overload: Overload,
    { listensAt: place = THIS_MACHINE, askFrom, onRejected = () => {} }: DnsServerOptions = {},
  ): Promise<DnsServer> {
    const passThrough = await openPassThrough(overload, askFrom);
    const most = descriptorBudget().share(SHARE_OF_TCP_CLIENTS, MAX_TCP_CLIENTS);
    const tcpClients = new AdmittedClients({ use: 'service', most, mostIdle: most, onRejected });
    const server = new DnsServer({ policy, passThrough, overload, place, tcpClients, udpInFlight: 0 });
    try {
      await server.serve(nameservers);
      return server;
    } catch (error) {
      server.close();
      throw error;
    }
  }

  /** The nameservers that it answers for. */
  get listenAddresses(): readonly ListenAddress[] {
    return [...this.#addresses.values()].map(({ nameserver, port }) => ({ nameserver, port }));
  }

  /** Where the nameservers themselves are asked from. */
  get ownPorts(): readonly number[] {
    return this.#shared.passThrough.ports;
  }

  /** Answers for these, too; but for those for whose family this machine has no loopback address. @throws TshuttleError ERR_LISTEN */
  async serve(nameservers: readonly Nameserver[]): Promise<void> {
    for (const nameserver of nameservers) {
      if (this.#addresses.has(keyOf(nameserver))) continue;
      const listening = await listenAt(nameserver, this.#shared);
      if (this.#isClosed) listening?.close();
      else if (listening !== undefined)
        this.#addresses.set(keyOf(nameserver), { ...listening, nameserver: nameserver.address });
    }
  }

  /** Answers others' queries at these addresses and no others from now on, for each nameserver that there is by now, at its port. Never rejects. */
  async followOthers(addresses: readonly SourceAddress[]): Promise<void> {
    for (const { others } of this.#addresses.values()) await others.follow(addresses);
  }

  /** Where it cannot answer others' queries. */
  get othersProblems(): readonly RefusedAddressProblem[] {
    return [...this.#addresses.values()].flatMap(({ others, port }) =>
      others.refused.map((refused) => {
        const problem = describeRefusedAddress(refused, port);
        return { ...problem, what: `DNS: ${problem.what}` };
      }),
    );
  }

  /** Answers only for these from now on; whose queries come here no more. */
  retireOthers(nameservers: readonly Nameserver[]): void {
    const kept = new Set(nameservers.map(keyOf));
    for (const [key, listening] of this.#addresses) {
      if (kept.has(key)) continue;
      this.#addresses.delete(key);
      listening.close();
    }
    this.#shared.passThrough.forgetOthers(nameservers);
  }

  /** Ends its sockets and connections. Once. */
  close(): void {
    this.#isClosed = true;
    this.retireOthers([]);
    this.#shared.tcpClients.endIdle();
    this.#shared.passThrough.close();
  }
}

/** The same address behind another interface is another nameserver. */
function keyOf({ address, scope = '' }: Nameserver): string {
  return `${address}%${scope}`;
}

/** The state that all listeners share. */
interface Shared extends DatagramContext {
  readonly place: SocketPlace;
  readonly tcpClients: AdmittedClients;
}

async function openPassThrough(overload: Overload, askFrom?: QueryOrigin): Promise<PassThrough> {
  try {
    return await PassThrough.open(overload, askFrom);
  } catch (error) {
    throw listenError('a port to ask nameservers from', error);
  }
}

interface ListeningAddress {
  readonly port: number;
  readonly others: OthersSockets;
  readonly close: () => void;
}

/** @returns undefined when the machine has not the family's loopback address */
async function listenAt(nameserver: Nameserver, shared: Shared): Promise<ListeningAddress | undefined> {
  const host = LOOPBACK[familyOf(nameserver.address)];
  try {
    return await onOnePort(0, async (opened) => {
      const server = await listenTcp({ ...shared, host, port: 0 }, nameserver, shared);
      opened.push(server);
      const port = portOf(server);
      opened.push(await listenUdp({ ...shared, host, port }, nameserver, shared));
      const others = new OthersSockets(nameserver.address, (at) =>
        listenForOthers({ ...at, port }, nameserver, shared),
      );
      opened.push(others);
      return { port, others, close: () => closeAll(opened) };
    });
  } catch (error) {
    if (isWithoutFamily(error)) return undefined;
    throw listenError(host, error);
  }
}

/** By TCP and UDP at an address where others' queries arrive. */
async function listenForOthers(
  at: ListenPlace & OthersPlace,
  nameserver: Nameserver,
  shared: Shared,
): Promise<Closable> {
  return await onOnePort(at.port, async (opened) => {
    opened.push(await listenTcp(at, nameserver, shared), await listenUdp(at, nameserver, shared));
    return { close: () => closeAll(opened) };
  });
}

function listenError(where: string, cause: unknown): TshuttleError {
  const message = `cannot listen for DNS on ${where}: ${messageOf(cause)}`;
  const isForFiles = systemCodeOf(cause) === 'EMFILE';
  const remedy = isForFiles
    ? `allow more open files: ${systemWords().moreDescriptors}`
    : 'leave --dns and --domain out';
  return new TshuttleError('ERR_LISTEN', message, { cause, remedy });
}

/** A port at an address, and who may ask there: everybody where that is not said. */
interface ListenPlace extends Partial<Pick<OthersPlace, 'admits'>>, PlacedAddress {
  readonly place: SocketPlace;
}

async function listenTcp(
  { place, host, port, admits }: ListenPlace,
  nameserver: Nameserver,
  { policy, passThrough, tcpClients }: Shared,
): Promise<Server> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    client.on('error', () => {});
    if (admits?.(client.remoteAddress ?? '') === false) {
      client.resetAndDestroy();
      return;
    }
    if (!tcpClients.admit(client)) return;
    client.on('data', () => tcpClients.touch(client));
    serveTcpClient(client, policy, () => passThrough.connect(nameserver));
  });
  await place.listen(server, { host, port });
  server.on('error', () => {});
  return server;
}

async function listenUdp(
  { place, host, port, admits }: ListenPlace,
  nameserver: Nameserver,
  shared: Shared,
): Promise<UdpSocket> {
  const socket = await place.bind({ host, port });
  socket.on('error', () => {});
  socket.on('message', (packet, client) => {
    if (admits?.(client.address) === false) return;
    // The client may be gone, and the socket closed, by the time there is an answer: then it is lost, as UDP is.
    const reply = (answer: Buffer): void => {
      try {
        socket.send(answer, client.port, client.address, () => {});
      } catch {}
    };
    takeDatagram(packet, nameserver, `${client.address} ${client.port}`, shared, reply);
  });
  return socket;
}

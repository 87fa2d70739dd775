import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf, systemCodeOf, TshuttleError } from '../core/errors.ts';
import type { IpFamily } from '../net/endpoint.ts';
import { AskedResolvers } from './asked-resolvers.ts';
import { fitForUdp, readQuery } from './message.ts';
import type { QueryHandler } from './query-handler.ts';
import type { Nameserver } from './resolv-conf.ts';
import { serveTcpClient } from './tcp-client.ts';

/** How often a port that is not free for all that listens is given back and another one tried. */
const SAME_PORT_ATTEMPTS = 16;

/** TCP clients at once: more are closed at once. */
const MAX_TCP_CLIENTS = 256;

/** UDP queries that have no answer yet; more are dropped, as a full socket drops them. */
const MAX_UDP_IN_FLIGHT = 4_096;

const LOOPBACK: Readonly<Record<IpFamily, string>> = { 4: '127.0.0.1', 6: '::1' };

/** What a forwarder is made of. */
export interface ForwarderOptions {
  /** Those whose queries come here. */
  readonly nameservers: readonly Nameserver[];
  readonly handler: QueryHandler;
}

/** Where the queries to one nameserver are to go. */
interface Front {
  readonly nameserver: string;
  /** On the loopback address of the nameserver's family, by UDP and TCP. */
  readonly port: number;
}

/** Answers DNS queries on loopback: in place of nameservers, or with what these say. */
export interface Forwarder {
  /** One for each nameserver: a query does not tell whom it was for, but the port where it arrives does. */
  readonly fronts: readonly Front[];
  /** Nameservers for whose family this machine has no loopback address. */
  readonly leftOut: readonly string[];
  /** Where the nameservers themselves are asked from. */
  readonly ownPorts: readonly number[];
  /** Ends its sockets and connections. Once. */
  close(): void;
}

/**
 * Starts listening; no connection is opened before the first query.
 *
 * UDP sockets are bound to exact addresses: an answer from a wildcard socket leaves with another source address than the
 * one the query was redirected to, and is not translated back (native-notes/dns-redirect.md).
 *
 * @throws TshuttleError ERR_LISTEN
 */
export async function openForwarder({ nameservers, handler }: ForwarderOptions): Promise<Forwarder> {
  const shared: Shared = {
    handler,
    asked: await openAskedResolvers(nameservers),
    tcpClients: new Set(),
    udpInFlight: 0,
  };
  const fronts: Front[] = [];
  const leftOut: string[] = [];
  const closes: Array<() => void> = [];
  const close = (): void => {
    for (const closeFront of closes) closeFront();
    for (const client of shared.tcpClients) client.destroy();
    shared.asked.close();
  };
  try {
    for (const nameserver of nameservers) {
      const front = await openFront(nameserver, shared);
      if (front === undefined) {
        leftOut.push(nameserver.address);
        continue;
      }
      fronts.push({ nameserver: nameserver.address, port: front.port });
      closes.push(front.close);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { fronts, leftOut, ownPorts: shared.asked.ports, close };
}

/** What all fronts have in common. */
interface Shared {
  readonly handler: QueryHandler;
  readonly asked: AskedResolvers;
  readonly tcpClients: Set<Socket>;
  udpInFlight: number;
}

async function openAskedResolvers(nameservers: readonly Nameserver[]): Promise<AskedResolvers> {
  const families = ([4, 6] as const).filter((family) => nameservers.some((one) => familyOf(one) === family));
  try {
    return await AskedResolvers.open(families);
  } catch (error) {
    throw listenError('a port to ask nameservers from', error);
  }
}

interface ListeningFront {
  readonly port: number;
  readonly close: () => void;
}

/** @returns undefined when the machine has not the family's loopback address */
async function openFront(nameserver: Nameserver, shared: Shared): Promise<ListeningFront | undefined> {
  const host = LOOPBACK[familyOf(nameserver)];
  for (let attempt = 1; ; attempt += 1) {
    let server: Server | undefined;
    try {
      server = await listenTcp(host, nameserver, shared);
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const udp = await listenUdp(host, port, nameserver, shared);
      const listening = server;
      return {
        port,
        close: () => {
          listening.close();
          udp.close();
        },
      };
    } catch (error) {
      server?.close();
      const code = systemCodeOf(error);
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return undefined;
      if (code !== 'EADDRINUSE' || attempt >= SAME_PORT_ATTEMPTS) throw listenError(host, error);
    }
  }
}

function familyOf({ address }: Nameserver): IpFamily {
  return address.includes(':') ? 6 : 4;
}

function listenError(where: string, cause: unknown): TshuttleError {
  const message = `cannot listen for DNS on ${where}: ${messageOf(cause)}`;
  return new TshuttleError('ERR_LISTEN', message, { cause, remedy: 'leave --dns and --domain out' });
}

function listenTcp(
  host: string,
  nameserver: Nameserver,
  { handler, asked, tcpClients }: Shared,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
      client.on('error', () => {});
      if (tcpClients.size >= MAX_TCP_CLIENTS) {
        client.destroy();
        return;
      }
      tcpClients.add(client);
      client.on('close', () => tcpClients.delete(client));
      serveTcpClient(client, handler, () => asked.connect(nameserver));
    });
    server.once('error', reject);
    server.listen({ host, port: 0, ipv6Only: true }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve(server);
    });
  });
}

function listenUdp(host: string, port: number, nameserver: Nameserver, shared: Shared): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const isIpv6 = familyOf(nameserver) === 6;
    const socket = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', ipv6Only: isIpv6 });
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.on('message', (packet, client) => {
      // The client may be gone, and the socket closed, by the time there is an answer: then it is lost, as UDP is.
      const reply = (answer: Buffer): void => {
        try {
          socket.send(answer, client.port, client.address, () => {});
        } catch {}
      };
      takeDatagram(packet, nameserver, `${client.address} ${client.port}`, shared, reply);
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off('error', fail);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** What the nameserver sent by UDP fits anyhow; TCP knows no limit. */
function fitPassedOn(packet: Buffer, answer: Buffer): Buffer {
  const received = readQuery(packet);
  return received.kind === 'query' ? fitForUdp(received.query, answer) : answer;
}

function takeDatagram(
  packet: Buffer,
  nameserver: Nameserver,
  client: string,
  shared: Shared,
  reply: (answer: Buffer) => void,
): void {
  const { handler, asked } = shared;
  if (shared.udpInFlight >= MAX_UDP_IN_FLIGHT) return;
  const handling = handler.handle(packet);
  switch (handling.kind) {
    case 'ignored':
      return;
    case 'refused':
      reply(handling.answer);
      return;
    case 'passed-on':
      asked.pass(nameserver, packet, client, (answer) => reply(fitPassedOn(packet, answer)));
      return;
    case 'answered':
      shared.udpInFlight += 1;
      void handling.answer.then((answer) => {
        shared.udpInFlight -= 1;
        reply(fitForUdp(handling.query, answer));
      });
  }
}

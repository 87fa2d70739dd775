import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf, systemCodeOf, TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Endpoint, IpFamily } from '../net/endpoint.ts';
import { fitForUdp, readQuery } from './message.ts';
import { type OpenConnection, Resolver } from './resolver.ts';
import { Responder } from './responder.ts';
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
  /** Where it listens: on the loopback address of each. */
  readonly families: readonly IpFamily[];
  /** Asked in this order. */
  readonly resolvers: readonly Endpoint[];
  readonly open: OpenConnection;
  readonly logger: Logger;
}

/** Answers DNS queries on loopback, by UDP and TCP, with what resolvers on the bastion's side say. */
export interface Forwarder {
  /** One port for UDP and TCP and all families. */
  readonly port: number;
  readonly families: readonly IpFamily[];
  /** Ends its sockets and connections. Idempotent. */
  close(): void;
}

/**
 * Starts listening; no connection is opened before the first query.
 *
 * UDP sockets are bound to exact addresses: an answer from a wildcard socket leaves with another source address than the
 * one the query was redirected to, and is not translated back (native-notes/dns-redirect.md).
 *
 * @throws TshuttleError ERR_LISTEN; a family that this machine has not is left out as long as another one is left
 */
export async function openForwarder(options: ForwarderOptions): Promise<Forwarder> {
  const resolvers = options.resolvers.map((endpoint) => new Resolver(endpoint, options.open));
  const responder = new Responder(resolvers, options.logger);
  const { port, families, close } = await listen(options.families, responder);
  return {
    port,
    families,
    close: () => {
      close();
      for (const resolver of resolvers) resolver.close();
    },
  };
}

interface Listening {
  readonly port: number;
  readonly families: readonly IpFamily[];
  close(): void;
}

async function listen(wanted: readonly IpFamily[], responder: Responder): Promise<Listening> {
  let families = wanted;
  for (let attempt = 1; ; attempt += 1) {
    const udp: UdpSocket[] = [];
    const clients = new Set<Socket>();
    const servers: Server[] = [];
    const close = (): void => {
      for (const socket of udp.splice(0)) socket.close();
      for (const server of servers.splice(0)) server.close();
      for (const client of clients) client.destroy();
    };
    let port = 0;
    let family = families[0]!;
    try {
      for (family of families) {
        const server = await listenTcp(LOOPBACK[family], port, clients, responder);
        servers.push(server);
        const address = server.address();
        port = typeof address === 'object' && address !== null ? address.port : port;
        udp.push(await listenUdp(family, port, responder));
      }
      return { port, families, close };
    } catch (error) {
      close();
      const code = systemCodeOf(error);
      const isMissing = code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
      if (isMissing && families.length > 1) families = families.filter((other) => other !== family);
      else if (code !== 'EADDRINUSE' || attempt >= SAME_PORT_ATTEMPTS) throw listenError(family, error);
    }
  }
}

function listenError(family: IpFamily, cause: unknown): TshuttleError {
  const message = `cannot listen for DNS on ${LOOPBACK[family]}: ${messageOf(cause)}`;
  return new TshuttleError('ERR_LISTEN', message, { cause, remedy: 'leave --dns out' });
}

function listenTcp(host: string, port: number, clients: Set<Socket>, responder: Responder): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
      client.on('error', () => {});
      if (clients.size >= MAX_TCP_CLIENTS) {
        client.destroy();
        return;
      }
      clients.add(client);
      client.on('close', () => clients.delete(client));
      serveTcpClient(client, responder);
    });
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: true }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve(server);
    });
  });
}

function listenUdp(family: IpFamily, port: number, responder: Responder): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: family === 6 });
    let inFlight = 0;
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.on('message', (packet, { address, port: clientPort }) => {
      const received = readQuery(packet);
      // The client may be gone, and the socket closed, by the time there is an answer: then it is lost, as UDP is.
      const reply = (answer: Buffer): void => {
        try {
          socket.send(answer, clientPort, address, () => {});
        } catch {}
      };
      if (received.kind === 'ignored' || inFlight >= MAX_UDP_IN_FLIGHT) return;
      if (received.kind === 'refused') return reply(received.answer);
      const { query } = received;
      inFlight += 1;
      void responder.respond(query).then((answer) => {
        inFlight -= 1;
        reply(fitForUdp(query, answer));
      });
    });
    socket.bind({ address: LOOPBACK[family], port, exclusive: true }, () => {
      socket.off('error', fail);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

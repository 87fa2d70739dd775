import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { formatEndpoint, formatHostPort, makeEndpoint, toDestination } from '../../net/address/endpoint.ts';
import { parseHostPort } from '../../net/address/host-port.ts';
import { type FlowAnswer, makeFlow } from '../../net/flow.ts';
import type { AdmittedClients } from '../../net/sockets/admitted-clients.ts';
import { SocketDeadlines, WITHOUT_CHECKS } from '../../net/sockets/socket-deadlines.ts';
import { type ExchangeBounds, HttpExchange } from './http-exchange.ts';
import { refuse, refuseConnect, refuseLate } from './http-refusal.ts';
import {
  type AbsoluteTarget,
  hasOnlyFieldNames,
  parseAbsoluteTarget,
  parseBasicCredentials,
  STATUS_OF_FAILURE,
} from './http-request.ts';
import { cutOffOnBug, type ProxyContext } from './proxy-context.ts';

/** What one client may do, and each exchange of it. */
export interface HttpProxyBounds extends ExchangeBounds {
  /** From the connection to the end of the first request's head, in ms. */
  readonly requestHeadMs: number;
  /** How long a client may keep its connection without a request, in ms, beside the time for the head of the next. */
  readonly keepAliveMs: number;
  /** Requests of one connection that wait for their answers, as apt(8) has up to 10. */
  readonly requestsAtOnce: number;
}

const BOUNDS: HttpProxyBounds = {
  requestHeadMs: 20_000,
  // Longer than most clients do.
  keepAliveMs: 120_000,
  headBytes: 32 * 1024,
  requestsAtOnce: 32,
  // As long as other proxies wait for a slow report to be made: tinyproxy 10 minutes, squid 15.
  answerHeadMs: 900_000,
  quietMs: 900_000,
  lingerMs: 5_000,
  interimAnswers: 32,
};

const TARGET_REMEDY = 'this is a proxy: it takes CONNECT host:port, and requests for http://host/path';

/**
 * A server, not listening yet, that is an HTTP proxy: CONNECT hands a flow over, a request in absolute form is sent on over a
 * flow of its own. Node's own parser and limits.
 *
 * @param clients a client is busy while it waits for an answer, and for good when it has a flow
 * @param bounds tests have others
 */
export function createHttpProxy(
  clients: AdmittedClients,
  context: ProxyContext,
  bounds: HttpProxyBounds = BOUNDS,
): Server {
  const proxy = new HttpProxy(context, bounds);
  const deadlines = new SocketDeadlines(refuseLate);
  const server = createServer({
    ...WITHOUT_CHECKS,
    maxHeaderSize: bounds.headBytes,
    keepAliveTimeout: bounds.keepAliveMs,
  });
  // The head is bounded by its bytes. Where Node leaves fields out for their number, the message is another one.
  server.maxHeadersCount = 0;
  server.on('connection', (socket) => {
    // One for each request that waits, beside Node's and ours.
    socket.setMaxListeners(bounds.requestsAtOnce + 16);
    if (clients.admit(socket)) deadlines.follow(socket, bounds.requestHeadMs);
  });
  server.on('connect', (message, duplex, early) => {
    const socket = duplex as Socket;
    clients.busy(socket);
    deadlines.clear(socket);
    cutOffOnBug(socket, proxy.connect(message, socket, early), context.logger);
  });
  server.on('request', (message, response) => {
    const { socket } = message;
    clients.busy(socket);
    // The body of an upload takes as long as it takes.
    deadlines.clear(socket);
    response.once('close', () => clients.done(socket));
    cutOffOnBug(socket, proxy.forward(message, response), context.logger);
    const waitForNext = (): void => {
      if (message.complete && proxy.waitingOf(socket) === 0)
        deadlines.set(socket, bounds.keepAliveMs + bounds.requestHeadMs);
    };
    // What was asked for may be answered before all of it is here.
    for (const part of [response, message]) part.once('close', waitForNext);
  });
  return server;
}

class HttpProxy {
  readonly #context: ProxyContext;
  readonly #bounds: HttpProxyBounds;
  /** How many requests of a connection wait for their answers. */
  readonly #waiting = new WeakMap<Socket, number>();

  constructor(context: ProxyContext, bounds: HttpProxyBounds) {
    this.#context = context;
    this.#bounds = bounds;
  }

  async connect(message: IncomingMessage, socket: Socket, early: Buffer): Promise<void> {
    // Stays for the life of the socket: the server's own listener is gone by now.
    socket.on('error', () => {});
    socket.pause();
    if (early.length > 0) socket.unshift(early);
    const originator = makeEndpoint(socket.remoteAddress ?? '', socket.remotePort ?? 0);
    const destination = parseHostPort(message.url ?? '');
    if (originator === undefined || this.waitingOf(socket) > 0) {
      // The answer to an earlier request would come in the middle of the flow.
      socket.destroy();
      return;
    }
    const refusal = await this.#whyUnwelcome(message);
    if (socket.destroyed) return;
    if (refusal !== undefined) {
      refuseConnect(socket, ...refusal);
    } else if (destination === undefined) {
      refuseConnect(socket, 400, TARGET_REMEDY);
    } else {
      const answer: FlowAnswer = {
        opened: () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'),
        failed: (failure, description) => refuseConnect(socket, STATUS_OF_FAILURE[failure], description),
      };
      const flow = { accepted: socket, originator, destination: toDestination(destination), answer };
      this.#context.onFlow(makeFlow(flow));
    }
  }

  async forward(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = message;
    const waiting = this.waitingOf(socket) + 1;
    this.#waiting.set(socket, waiting);
    response.once('close', () => this.#waiting.set(socket, this.waitingOf(socket) - 1));
    if (waiting > this.#bounds.requestsAtOnce) {
      socket.destroy();
      return;
    }
    const target = parseAbsoluteTarget(message.url ?? '');
    if (target === undefined) {
      refuse(response, 400, TARGET_REMEDY);
      return;
    }
    if (!hasOnlyFieldNames(message.rawHeaders)) {
      refuse(response, 400, 'the request has a field whose name is none');
      return;
    }
    const refusal = await this.#whyUnwelcome(message);
    if (socket.destroyed) return;
    if (refusal === undefined) this.#send(target, message, response);
    else refuse(response, ...refusal);
  }

  #send(target: AbsoluteTarget, message: IncomingMessage, response: ServerResponse): void {
    const originator = makeEndpoint(message.socket.remoteAddress ?? '', message.socket.remotePort ?? 0);
    if (originator === undefined) {
      response.destroy();
      return;
    }
    const exchange = new HttpExchange({ target, message, response }, this.#bounds, (why) => {
      this.#context.logger.info(`${formatHostPort(target.host, target.port)}: the HTTP answer ${why}`);
    });
    exchange.start((accepted) => {
      const answer: FlowAnswer = {
        opened: () => {},
        failed: (reason, description) => {
          exchange.refuse(STATUS_OF_FAILURE[reason], description);
          accepted.resetAndDestroy();
        },
      };
      this.#context.onFlow(makeFlow({ accepted, originator, destination: toDestination(target), answer }));
    });
  }

  /** How many requests of a connection wait for their answers. */
  waitingOf(socket: Socket): number {
    return this.#waiting.get(socket) ?? 0;
  }

  async #whyUnwelcome(message: IncomingMessage): Promise<readonly [status: number, why: string] | undefined> {
    const { logins, logger } = this.#context;
    const { socket } = message;
    const shown = parseBasicCredentials(message.headers['proxy-authorization']);
    const verdict = await logins.judge(socket, shown);
    if (verdict === 'welcome') return undefined;
    const [status, why] = UNWELCOME[verdict];
    // Many clients ask without first.
    if (shown !== undefined) {
      const originator = makeEndpoint(socket.remoteAddress ?? '', socket.remotePort ?? 0);
      logger.info(`refused an HTTP client: ${verdict === 'wrong' ? 'wrong password' : why}`, {
        originator: originator === undefined ? 'unknown' : formatEndpoint(originator),
      });
    }
    return [status, why];
  }
}

const UNWELCOME = {
  wrong: [407, 'the proxy wants a user name and a password'],
  later: [429, 'too many wrong passwords; try again in some seconds'],
} as const;

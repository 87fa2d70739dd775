import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import { messageOf } from '../core/errors.ts';
import type { AdmittedClients } from '../net/admitted-clients.ts';
import { formatEndpoint, makeEndpoint, toDestination } from '../net/endpoint.ts';
import { parseHostPort } from '../net/host-port.ts';
import { connectSockets } from '../net/socket-pair.ts';
import {
  type AbsoluteTarget,
  endToEndFields,
  parseAbsoluteTarget,
  parseBasicCredentials,
  STATUS_OF_FAILURE,
  withoutField,
} from './http-request.ts';
import type { ProxyContext } from './proxy-context.ts';
import { mayUse } from './proxy-credentials.ts';
import { sayFarewell } from './say-farewell.ts';

/** From the connection, or the last answer on it, to the end of a request's head, in ms. */
const HEADERS_TIMEOUT_MS = 20_000;

/** A client may keep its connection for so long without a request, in ms: longer than most clients do. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;

const MAX_HEADER_BYTES = 32 * 1024;

/** How long a destination may take to end after its answer, in ms. */
const FAREWELL_TIMEOUT_MS = 5_000;

/** RFC 9110 section 7.6.3. */
const VIA = 'tshuttle';

const TARGET_REMEDY = 'this is a proxy: it takes CONNECT host:port, and requests for http://host/path';

/**
 * A server, not listening yet, that is an HTTP proxy: CONNECT hands a flow over, a request in absolute form is sent on over a
 * flow of its own. Node's own parser and limits.
 *
 * @param clients a client is busy while it waits for an answer, and for good when it has a flow
 */
export function createHttpProxy(clients: AdmittedClients, context: ProxyContext): Server {
  const proxy = new HttpProxy(context);
  // The body of an upload takes as long as it takes.
  const limits = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES };
  const server = createServer({ ...limits, keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS });
  server.on('connection', (socket) => clients.admit(socket));
  server.on('connect', (message, socket, early) => {
    clients.busy(socket as Socket);
    proxy.connect(message, socket as Socket, early);
  });
  server.on('request', (message, response) => {
    const { socket } = message;
    clients.busy(socket);
    response.once('close', () => clients.done(socket));
    proxy.forward(message, response);
  });
  return server;
}

class HttpProxy {
  readonly #context: ProxyContext;

  constructor(context: ProxyContext) {
    this.#context = context;
  }

  connect(message: IncomingMessage, socket: Socket, early: Buffer): void {
    // Stays for the life of the socket: the server's own listener is gone by now.
    socket.on('error', () => {});
    socket.pause();
    if (early.length > 0) socket.unshift(early);
    const originator = makeEndpoint(socket.remoteAddress ?? '', socket.remotePort ?? 0);
    const destination = parseHostPort(message.url ?? '');
    if (originator === undefined) {
      socket.destroy();
    } else if (!this.#isWelcome(message)) {
      refuseConnect(socket, 407, 'the proxy wants a user name and a password');
    } else if (destination === undefined) {
      refuseConnect(socket, 400, TARGET_REMEDY);
    } else {
      this.#context.onFlow({
        accepted: socket,
        originator,
        destination: toDestination(destination),
        answer: {
          opened: () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'),
          failed: (failure, description) => refuseConnect(socket, STATUS_OF_FAILURE[failure], description),
        },
      });
    }
  }

  forward(message: IncomingMessage, response: ServerResponse): void {
    const target = parseAbsoluteTarget(message.url ?? '');
    if (target === undefined) refuse(response, 400, TARGET_REMEDY);
    else if (!this.#isWelcome(message)) refuse(response, 407, 'the proxy wants a user name and a password');
    else this.#trySend(target, message, response);
  }

  #trySend(target: AbsoluteTarget, message: IncomingMessage, response: ServerResponse): void {
    try {
      this.#send(target, message, response);
    } catch (error) {
      // Out of descriptors, or a field that Node takes from a client, but not from us.
      refuse(response, 500, messageOf(error));
    }
  }

  #send(target: AbsoluteTarget, message: IncomingMessage, response: ServerResponse): void {
    const originator = makeEndpoint(message.socket.remoteAddress ?? '', message.socket.remotePort ?? 0);
    if (originator === undefined) {
      response.destroy();
      return;
    }
    const { near, far } = connectSockets();
    near.destroySoon = () => endInOrder(near);
    let failure = { status: 502, description: 'the connection was reset' };
    const outgoing = request({
      createConnection: () => near,
      method: message.method,
      path: target.path,
      headers: [
        'Host',
        target.authority,
        ...withoutField(withoutField(endToEndFields(message.rawHeaders), 'host'), 'expect'),
        'Via',
        `${message.httpVersion} ${VIA}`,
        'Connection',
        'close',
      ],
    });
    outgoing.on('response', (answer) => {
      response.writeHead(
        answer.statusCode ?? 502,
        answer.statusMessage ?? '',
        withoutField(endToEndFields(answer.rawHeaders), 'transfer-encoding'),
      );
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    outgoing.on('error', () => {
      if (response.headersSent) response.destroy();
      else refuse(response, failure.status, failure.description);
    });
    response.on('close', () => {
      if (!response.writableFinished) near.destroy();
    });
    message.on('error', () => near.destroy());
    message.pipe(outgoing);
    this.#context.onFlow({
      accepted: far,
      originator,
      destination: toDestination(target),
      answer: {
        opened: () => {},
        failed: (reason, description) => {
          failure = { status: STATUS_OF_FAILURE[reason], description };
          far.resetAndDestroy();
        },
      },
    });
  }

  #isWelcome(message: IncomingMessage): boolean {
    const { credentials, logger } = this.#context;
    const shown = parseBasicCredentials(message.headers['proxy-authorization']);
    if (mayUse(credentials, shown)) return true;
    // Many clients ask without first.
    if (shown !== undefined) {
      const originator = makeEndpoint(message.socket.remoteAddress ?? '', message.socket.remotePort ?? 0);
      logger.info('refused an HTTP client: wrong password', {
        originator: originator === undefined ? 'unknown' : formatEndpoint(originator),
      });
    }
    return false;
  }
}

/** Node's client hangs up as soon as it has the answer, which would look like a reset to whoever carries the flow. */
function endInOrder(near: Socket): void {
  near.end();
  near.resume();
  near.setTimeout(FAREWELL_TIMEOUT_MS, () => near.destroy());
}

function refusalFields(status: number, why: string): Readonly<Record<string, string>> {
  const body = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(bodyOf(why))),
  };
  return status === 407 ? { ...body, 'Proxy-Authenticate': 'Basic realm="tshuttle"' } : body;
}

function bodyOf(why: string): string {
  return `tshuttle: ${why}\n`;
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, refusalFields(status, why));
  response.end(bodyOf(why));
}

function refuseConnect(socket: Socket, status: number, why: string): void {
  const fields = Object.entries(refusalFields(status, why)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields.join('')}\r\n${bodyOf(why)}`);
  sayFarewell(socket);
}

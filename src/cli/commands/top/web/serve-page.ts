import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TshuttleError } from '../../../../core/errors.ts';
import { AdmittedClients } from '../../../../net/sockets/admitted-clients.ts';
import { SocketDeadlines, WITHOUT_CHECKS } from '../../../../net/sockets/socket-deadlines.ts';
import { type AskedPage, admitRequest, type Refusal } from './admit-request.ts';
import type { LiveLooks } from './live-looks.ts';
import { PAGE, POLICY } from './page/page.ts';

const ADDRESS = '127.0.0.1';

/** Browsers of one user; with more, the one that has been idle for longest is closed. */
const MAX_CONNECTIONS = 32;

/** Pages that follow at once. */
const MAX_FOLLOWERS = 8;

const MAX_HEADER_BYTES = 8_192;

/** How long a request may take to arrive, and a reader not to read, in ms. */
const PATIENCE_MS = 10_000;

/** Nothing is kept, framed, guessed, or told to others. */
const HEADERS = {
  connection: 'close',
  'cache-control': 'no-store',
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** A server of the page. */
export interface PageServer {
  readonly port: number;
  /** Stops listening and ends all connections. Idempotent. */
  close(): void;
}

/**
 * Serves the page at http://127.0.0.1:PORT/, and what it shows to those who have the token. Nothing can be changed by it.
 *
 * @param port 0: any
 * @throws TshuttleError ERR_LISTEN
 */
export async function servePage(
  port: number,
  token: string,
  looks: LiveLooks,
  patienceMs = PATIENCE_MS,
): Promise<PageServer> {
  const clients = new AdmittedClients({ use: 'service', most: MAX_CONNECTIONS, mostIdle: MAX_CONNECTIONS });
  const deadlines = new SocketDeadlines((socket) => socket.destroy());
  const server = createServer({ ...WITHOUT_CHECKS, maxHeaderSize: MAX_HEADER_BYTES });
  server.maxRequestsPerSocket = 1;
  server.on('connection', (socket) => {
    if (clients.admit(socket)) deadlines.follow(socket, patienceMs);
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    deadlines.clear(socket);
    clients.busy(socket);
    response.once('close', () => clients.done(socket));
    response.on('error', () => {}); // its `close` follows
    const own = { port: (server.address() as AddressInfo).port, token };
    const admitted = admitRequest(askedBy(request), own);
    if (typeof admitted !== 'string') refuse(response, admitted);
    else if (admitted === 'page') sendPage(response);
    else if (looks.size < MAX_FOLLOWERS) streamLooks(response, looks, patienceMs);
    else refuse(response, { status: 503, why: `${MAX_FOLLOWERS} pages are open already: close one` });
  });
  server.on('dropRequest', (_request, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const remedy = 'choose another --port, or leave it out for one that is free';
      const what = `cannot serve the page at ${ADDRESS}:${port}: ${cause.message}`;
      reject(new TshuttleError('ERR_LISTEN', what, { remedy, cause }));
    });
    server.listen(port, ADDRESS, resolve);
  });
  // What goes wrong with one connection ends that one (http.Server 'clientError' destroys it); the server stays.
  server.on('error', () => {});
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function askedBy({ method = '', url = '', headers, headersDistinct }: IncomingMessage): AskedPage {
  return {
    method,
    target: url,
    hosts: headersDistinct['host'] ?? [],
    origin: headers.origin,
    site: headers['sec-fetch-site'],
    authorization: headers.authorization,
  };
}

function sendPage(response: ServerResponse): void {
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
}

function refuse(
  response: ServerResponse,
  { status, why }: Omit<Refusal, 'status'> & { status: number },
): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(`${why}\n`);
}

/** A line for each look. Who has not taken the last one yet gets the next one instead of all between, and is ended in the end. */
function streamLooks(response: ServerResponse, looks: LiveLooks, patienceMs: number): void {
  let takenAtMs = performance.now();
  const stop = looks.follow((line) => {
    const nowMs = performance.now();
    if (response.writableLength === 0) {
      takenAtMs = nowMs;
      response.write(`${line}\n`);
    } else if (nowMs - takenAtMs > patienceMs) response.destroy();
  });
  response.once('close', stop);
  response.writeHead(200, { ...HEADERS, 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
}

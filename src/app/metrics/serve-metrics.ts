import { createServer, type RequestListener } from 'node:http';
import { hostname } from 'node:os';
import { TshuttleError } from '../../core/errors.ts';
import { formatHostPort } from '../../net/address/endpoint.ts';
import { AdmittedClients } from '../../net/sockets/admitted-clients.ts';
import { SocketDeadlines, WITHOUT_CHECKS } from '../../net/sockets/socket-deadlines.ts';
import type { TunnelStatus } from '../../tunnel/status/status.ts';
import { isAskedFor } from './asked-host.ts';
import { type MetricsOwner, tunnelMetrics } from './tunnel-metrics.ts';

/** A scraper and a reader; with more, the one that has been idle for longest is closed. */
const MAX_CONNECTIONS = 16;
/** How long a request and its answer may take, in ms. */
const PATIENCE_MS = 5_000;

/** A server for scrapes. */
export interface MetricsServer {
  /** Stops listening and ends its connections. Idempotent. */
  close(): void;
}

/**
 * Serves the metrics of a tunnel at `/metrics`, to every client that can connect and asks for this machine.
 *
 * @throws TshuttleError ERR_LISTEN
 */
export async function serveMetrics(
  place: { readonly address: string; readonly port: number },
  owner: MetricsOwner,
  status: () => TunnelStatus,
  patienceMs = PATIENCE_MS,
): Promise<MetricsServer> {
  const registry = tunnelMetrics(owner, status);
  const where = formatHostPort(place.address, place.port);
  const answer: RequestListener = (request, response) => {
    if (!isAskedFor(request.headers.host, place.address, hostname())) {
      const remedy = `ask by the address: http://${where}/metrics\n`;
      response.writeHead(421, { 'content-type': 'text/plain' }).end(`not for this name; ${remedy}`);
      return;
    }
    const isAsked = request.method === 'GET' && request.url?.split('?', 1)[0] === '/metrics';
    if (!isAsked) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('the metrics are at /metrics\n');
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  };
  const server = createServer(WITHOUT_CHECKS, answer);
  // Scrapers come again after longer than a connection would be kept.
  server.maxRequestsPerSocket = 1;
  const clients = new AdmittedClients({
    use: 'service',
    most: MAX_CONNECTIONS,
    mostIdle: MAX_CONNECTIONS,
  });
  const deadlines = new SocketDeadlines((socket) => socket.destroy());
  server.on('connection', (client) => {
    if (clients.admit(client)) deadlines.follow(client, patienceMs);
  });
  server.on('request', ({ socket }, response) => {
    clients.busy(socket);
    response.once('close', () => clients.done(socket));
  });
  server.on('dropRequest', (_request, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const remedy = 'choose another port, or leave --metrics out';
      reject(
        new TshuttleError('ERR_LISTEN', `cannot serve metrics at ${where}: ${error.message}`, {
          remedy,
          cause: error,
        }),
      );
    });
    server.listen(place.port, place.address, resolve);
  });
  // What goes wrong with one connection ends that one (http.Server 'clientError' destroys it); the server stays.
  server.on('error', () => {});
  server.unref();
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

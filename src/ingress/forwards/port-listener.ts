import type { Server, Socket } from 'node:net';
import { type Endpoint, makeEndpoint } from '../../net/address/endpoint.ts';
import type { ForwardListen } from '../../net/address/forward.ts';
import { acceptingServer } from '../../net/sockets/accepting-server.ts';
import { listenError, reservePort } from '../../net/sockets/listener.ts';
import { isWithoutFamily } from '../../net/sockets/one-port.ts';
import type { SocketPlace } from '../../net/sockets/socket-place.ts';

/** Where a forward listens. */
export interface ForwardListener {
  /** Once. @throws TshuttleError ERR_LISTEN */
  start(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

/** Takes a connection: paused, half-open capable, not a byte read. */
export type OnForwarded = (accepted: Socket, originator: Endpoint) => void;

/**
 * Takes a port of one address, or of loopback or all addresses of both families, as far as this machine has these.
 *
 * Where one family has the port and another program that of the other family, ssh goes on with one; here that is an error, since a
 * program that calls `localhost` would get to the wrong one.
 *
 * @throws TshuttleError ERR_LISTEN; nothing is left open then
 */
export async function openPortListener(
  { address, port }: Extract<ForwardListen, { kind: 'port' }>,
  onAccepted: OnForwarded,
  { ipv6, place }: { readonly ipv6: boolean; readonly place: SocketPlace | undefined },
): Promise<ForwardListener> {
  const server = (): Server =>
    acceptingServer((accepted) => {
      const originator = makeEndpoint(accepted.remoteAddress ?? '', accepted.remotePort ?? 0);
      if (originator === undefined) accepted.destroy();
      else onAccepted(accepted, originator);
    });
  const hosts = hostsOf(address, ipv6);
  return place === undefined ? onThisMachine(hosts, port, server) : inPlace(hosts, port, server, place);
}

function hostsOf(address: string, ipv6: boolean): readonly [string, ...string[]] {
  const both = (address4: string, address6: string): readonly [string, ...string[]] =>
    ipv6 ? [address4, address6] : [address4];
  if (address === 'localhost') return both('127.0.0.1', '::1');
  return address === '*' ? both('0.0.0.0', '::') : [address];
}

function onThisMachine(hosts: readonly string[], port: number, makeServer: () => Server): ForwardListener {
  const listeners: ForwardListener[] = [];
  const close = (): void => {
    for (const listener of listeners) listener.close();
  };
  for (const [index, host] of hosts.entries()) {
    try {
      const bound = reservePort(host, port, '-L');
      const server = makeServer();
      listeners.push({
        start: () => bound.listen(server),
        close: () => {
          bound.close();
          server.close();
        },
      });
    } catch (error) {
      if (index > 0 && error instanceof Error && isWithoutFamily(error.cause)) continue;
      close();
      throw error;
    }
  }
  return {
    start: async () => {
      for (const listener of listeners) await listener.start();
    },
    close,
  };
}

/** A namespace takes ports only by listening; nobody has one in a namespace of ours. */
function inPlace(
  hosts: readonly string[],
  port: number,
  makeServer: () => Server,
  place: SocketPlace,
): ForwardListener {
  const servers = hosts.map((host) => ({ host, server: makeServer() }));
  return {
    start: async () => {
      for (const [index, { host, server }] of servers.entries()) {
        try {
          await place.listen(server, { host, port });
          server.on('error', () => {});
        } catch (error) {
          if (index === 0 || !isWithoutFamily(error)) throw listenError(host, port, error, '-L');
        }
      }
    },
    close: () => {
      for (const { server } of servers) server.close();
    },
  };
}

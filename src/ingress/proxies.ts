import type { Server } from 'node:net';
import { acceptingServer } from '../net/accepting-server.ts';
import { formatHostPort, isLoopback } from '../net/endpoint.ts';
import { listenAt } from '../net/listener.ts';
import type { ProxyContext } from './proxy-context.ts';
import { serveSocksClient } from './socks.ts';

/** A proxy of ours, and where it listens. */
export interface ProxyListen {
  readonly protocol: 'socks' | 'http';
  /** A literal address. */
  readonly address: string;
  /** 0 is a free one of the kernel's choice. */
  readonly port: number;
}

/** Flows that come through proxies of ours, where nothing captures connections. */
export interface ProxyIngress {
  /** As asked for, with the ports that they have. */
  readonly listens: readonly ProxyListen[];
  /** Stops accepting, and ends clients that have no flow yet. Idempotent. */
  close(): Promise<void>;
}

/** Clients that have not said yet what they want; more are reset. */
const MAX_HANDSHAKES = 1_024;

/**
 * Starts proxies.
 *
 * @throws TshuttleError ERR_LISTEN; nothing is left open then
 */
export async function openProxies(
  wanted: readonly ProxyListen[],
  context: ProxyContext,
): Promise<ProxyIngress> {
  const servers: Array<{ close(): void }> = [];
  const close = async (): Promise<void> => {
    for (const server of servers.splice(0)) server.close();
  };
  try {
    const listens: ProxyListen[] = [];
    for (const listen of wanted) {
      const { server, close: closeServer } = await serverFor(listen, context);
      servers.push({ close: closeServer });
      const option = listen.protocol === 'socks' ? '--socks' : '--http-proxy';
      listens.push({ ...listen, port: await listenAt(server, listen.address, listen.port, option) });
      warnOfOpenDoor(listen, context);
    }
    return { listens, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function serverFor(
  { protocol }: ProxyListen,
  context: ProxyContext,
): Promise<{ readonly server: Server; readonly close: () => void }> {
  if (protocol === 'socks') return socksServer(context);
  const { createHttpProxy } = await import('./http-proxy.ts');
  const server = createHttpProxy(context);
  return {
    server,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function socksServer(context: ProxyContext): { readonly server: Server; readonly close: () => void } {
  const handshakes = new Set<{ destroy(): void }>();
  const server = acceptingServer((accepted) => {
    if (handshakes.size >= MAX_HANDSHAKES) {
      accepted.resetAndDestroy();
      return;
    }
    handshakes.add(accepted);
    void serveSocksClient(accepted, context).finally(() => handshakes.delete(accepted));
  });
  return {
    server,
    close: () => {
      server.close();
      for (const accepted of handshakes) accepted.destroy();
    },
  };
}

function warnOfOpenDoor(
  { protocol, address, port }: ProxyListen,
  { credentials, logger }: ProxyContext,
): void {
  if (isLoopback(address)) return;
  const name = `${protocol === 'socks' ? '--socks' : '--http-proxy'} ${formatHostPort(address, port)}`;
  logger.warn(
    credentials === undefined
      ? `${name} lets everybody who can reach this machine use the bastion: give --proxy-auth, or listen on 127.0.0.1`
      : `${name} takes its password in clear text from other machines`,
  );
}

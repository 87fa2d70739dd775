import type { AdmittedClients } from '../../net/sockets/admitted-clients.ts';
import type { ProxyContext, ProxyServer } from './proxy-context.ts';

interface ProxyProtocolRow {
  readonly option: string;
  /** For people. */
  readonly title: string;
  /** @param clients has every client admitted, and is told when one has its flow or waits for an answer */
  open(clients: AdmittedClients, context: ProxyContext): Promise<ProxyServer>;
}

/**
 * The protocols of our proxies. A new one is a row here, its server beside this file, and the row of its option
 * (config/options/running-options.ts), under the same key.
 */
export const PROXY_PROTOCOLS = {
  socks: {
    option: '--socks',
    title: 'SOCKS',
    open: async (...how) => (await import('./socks.ts')).createSocksProxy(...how),
  },
  http: {
    option: '--http-proxy',
    title: 'HTTP',
    open: async (...how) => {
      const server = (await import('./http-proxy.ts')).createHttpProxy(...how);
      // The flows of CONNECT are no connections of its any more.
      return { server, endAnswering: () => server.closeAllConnections() };
    },
  },
} as const satisfies Readonly<Record<string, ProxyProtocolRow>>;

/** The protocol of a proxy. */
export type ProxyProtocol = keyof typeof PROXY_PROTOCOLS;

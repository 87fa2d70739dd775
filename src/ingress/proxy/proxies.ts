import type { Server } from 'node:net';
import { formatHostPort } from '../../net/address/endpoint.ts';
import { isLoopback } from '../../net/address/literal.ts';
import { acceptingServer } from '../../net/sockets/accepting-server.ts';
import { AdmittedClients } from '../../net/sockets/admitted-clients.ts';
import { descriptorBudget } from '../../net/sockets/descriptor-budget.ts';
import { reservePort } from '../../net/sockets/listener.ts';
import { cutOffOnBug, type ProxyContext } from './proxy-context.ts';
import type { ProxyCredentials } from './proxy-credentials.ts';
import { ProxyLogins } from './proxy-logins.ts';
import { serveSocksClient } from './socks.ts';

/** A proxy of ours, and where it listens. */
export interface ProxyListen {
  readonly protocol: 'socks' | 'http';
  /** A literal address. */
  readonly address: string;
  /** 0 is a free one of the kernel's choice. */
  readonly port: number;
}

/** Dependencies of our proxies. */
export interface ProxyOptions extends Omit<ProxyContext, 'logins'> {
  /** Undefined: everybody who can connect may use them. */
  readonly credentials: ProxyCredentials | undefined;
}

/** Flows that come through proxies of ours, where nothing captures connections. */
export interface ProxyIngress {
  /** As asked for, with the ports that they have. */
  readonly listens: readonly ProxyListen[];
  /** Accepts clients from now on: their flows can be carried or held. Once. @throws TshuttleError ERR_LISTEN */
  start(): Promise<void>;
  /** Stops accepting, and resets clients that wait for nothing. Idempotent. */
  stop(): void;
  /** Stops, and ends clients that wait for an answer, too; flows belong to others. Idempotent. */
  close(): void;
}

/** Clients of one proxy at once, and those of them that have no flow: by numbers, and by the part of our descriptors. */
const MAX_CLIENTS = 32_768;
const MAX_IDLE = 1_024;
const SHARE_OF_CLIENTS = 3 / 4;
const SHARE_OF_IDLE = 1 / 8;

/**
 * Takes the ports of proxies. Until they are started connections are refused.
 *
 * @throws TshuttleError ERR_LISTEN; nothing is left open then
 */
export async function openProxies(
  wanted: readonly ProxyListen[],
  { credentials, ...options }: ProxyOptions,
): Promise<ProxyIngress> {
  const context = { ...options, logins: new ProxyLogins(credentials, options.logger) };
  const proxies: Proxy[] = [];
  const close = (): void => {
    for (const proxy of proxies) proxy.close();
  };
  try {
    for (const listen of wanted) {
      proxies.push(await openProxy(listen, context));
      warnOfOpenDoor(listen, context);
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    listens: proxies.map(({ listen }) => listen),
    start: async () => {
      for (const proxy of proxies) await proxy.start();
    },
    stop: () => {
      for (const proxy of proxies) proxy.stop();
    },
    close,
  };
}

interface Proxy {
  readonly listen: ProxyListen;
  start(): Promise<void>;
  stop(): void;
  close(): void;
}

async function openProxy(listen: ProxyListen, context: ProxyContext): Promise<Proxy> {
  const clients = new AdmittedClients({
    use: 'flow',
    most: descriptorBudget().share(SHARE_OF_CLIENTS, MAX_CLIENTS),
    mostIdle: descriptorBudget().share(SHARE_OF_IDLE, MAX_IDLE),
    onRejected: context.onRejected,
    onIdleEnded: once(() => {
      context.logger.warn(
        `${nameOf(listen)} has more clients than it keeps that ask for nothing: the oldest are reset for new ones`,
      );
    }),
  });
  const { server, endAnswering } = await serverFor(listen, clients, context);
  const bound = reservePort(listen.address, listen.port, optionOf(listen));
  const stop = (): void => {
    bound.close();
    server.close();
    clients.endIdle();
  };
  return {
    listen: { ...listen, port: bound.port },
    start: () => bound.listen(server),
    stop,
    close: () => {
      stop();
      endAnswering();
    },
  };
}

async function serverFor(
  { protocol }: ProxyListen,
  clients: AdmittedClients,
  context: ProxyContext,
): Promise<{ readonly server: Server; readonly endAnswering: () => void }> {
  // Its clients wait for nothing but their flows.
  if (protocol === 'socks') return { server: socksServer(clients, context), endAnswering: () => {} };
  const { createHttpProxy } = await import('./http-proxy.ts');
  const server = createHttpProxy(clients, context);
  // The flows of CONNECT are no connections of its any more.
  return { server, endAnswering: () => server.closeAllConnections() };
}

function socksServer(clients: AdmittedClients, context: ProxyContext): Server {
  return acceptingServer((accepted) => {
    if (!clients.admit(accepted)) return;
    const serving = serveSocksClient(accepted, context).finally(() => clients.busy(accepted));
    cutOffOnBug(accepted, serving, context.logger);
  });
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

function optionOf({ protocol }: ProxyListen): string {
  return protocol === 'socks' ? '--socks' : '--http-proxy';
}

function nameOf(listen: ProxyListen): string {
  return `${optionOf(listen)} ${formatHostPort(listen.address, listen.port)}`;
}

function warnOfOpenDoor(listen: ProxyListen, { logins, logger }: ProxyContext): void {
  if (isLoopback(listen.address)) return;
  logger.warn(
    !logins.areAsked
      ? `${nameOf(listen)} lets everybody who can reach this machine use the bastion: give --proxy-auth, or listen on 127.0.0.1`
      : `${nameOf(listen)} takes its password in clear text from other machines`,
  );
}

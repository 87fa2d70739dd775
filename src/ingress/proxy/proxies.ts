import { formatHostPort } from '../../net/address/endpoint.ts';
import { isLoopback } from '../../net/address/literal.ts';
import { AdmittedClients } from '../../net/sockets/admitted-clients.ts';
import { descriptorBudget } from '../../net/sockets/descriptor-budget.ts';
import { reservePort } from '../../net/sockets/listener.ts';
import { PROXY_PROTOCOLS, type ProxyProtocol } from './protocols.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { ProxyCredentials } from './proxy-credentials.ts';
import { ProxyLogins } from './proxy-logins.ts';

/** A proxy of ours, and where it listens. */
export interface ProxyListen {
  readonly protocol: ProxyProtocol;
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
  const { server, endAnswering } = await PROXY_PROTOCOLS[listen.protocol].open(clients, context);
  const bound = reservePort(listen.address, listen.port, PROXY_PROTOCOLS[listen.protocol].option);
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

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

function nameOf({ protocol, address, port }: ProxyListen): string {
  return `${PROXY_PROTOCOLS[protocol].option} ${formatHostPort(address, port)}`;
}

function warnOfOpenDoor(listen: ProxyListen, { logins, logger }: ProxyContext): void {
  if (isLoopback(listen.address)) return;
  logger.warn(
    !logins.areAsked
      ? `${nameOf(listen)} lets everybody who can reach this machine use the bastion: give --proxy-auth, or listen on 127.0.0.1`
      : `${nameOf(listen)} takes its password in clear text from other machines`,
  );
}

import type { Server, Socket } from 'node:net';
import type { Logger } from '../../core/log.ts';
import type { Flow } from '../../net/flow.ts';
import type { ProxyLogins } from './proxy-logins.ts';

/** Dependencies of a proxy's clients. */
export interface ProxyContext {
  readonly logger: Logger;
  readonly logins: ProxyLogins;
  readonly onFlow: (flow: Flow) => void;
  /** Called for a client that was reset because there is no room for it. */
  readonly onRejected: () => void;
}

/** A proxy that does not listen yet. */
export interface ProxyServer {
  readonly server: Server;
  /** Ends clients that wait for an answer; flows belong to others. */
  readonly endAnswering: () => void;
}

/** A bug that one client has met ends that one, and nothing else. */
export function cutOffOnBug(client: Socket, serving: Promise<void>, logger: Logger): void {
  serving.catch((error: unknown) => {
    logger.error('internal error: a client of the proxy is cut off', { err: error });
    client.destroy();
  });
}

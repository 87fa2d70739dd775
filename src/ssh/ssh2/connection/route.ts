import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { TshuttleError } from '../../../core/errors.ts';
import { type Endpoint, formatHostPort } from '../../../net/address/endpoint.ts';
import { type ProxyCommandContext, startProxyCommand } from '../../proxy/proxy-command.ts';
import type { SshTarget } from '../../ssh-target.ts';
import { describeTarget } from '../../ssh-target.ts';
import type { Transport } from '../../transport.ts';
import { MIN_QUEUE_BYTES } from '../channels/flow-control/send-scheduler.ts';
import { type DialContext, dialBastion } from './dial.ts';
import { dialThroughProxy } from './upstream-proxy.ts';

/** The way to a bastion, up to the socket on which its sshd answers. */
export interface Route {
  /** Owned by the ssh connection over it. */
  readonly socket: Socket;
  /** What was really dialled: the bastion, the first jump host or the proxy. Undefined where a ProxyCommand dials. */
  readonly dialled: Endpoint | undefined;
  /** Where the connections lead that carry it now: what was dialled, or what a ProxyCommand has dialled. Never rejects. */
  peers(): Promise<readonly Endpoint[]>;
  /** For people, behind the bastion's name: `203.0.113.7:22`, `through me@gate (203.0.113.7:22)`. */
  readonly description: string;
  /** A failure of the connection, with what the route knows of the reason. Never rejects. */
  explain(error: TshuttleError): Promise<TshuttleError>;
  /** Ends what the socket runs over, once the socket is closed. Idempotent; never rejects. */
  close(): Promise<void>;
}

/** What ends a jump host ends what runs over it, which may hear of that first. */
const JUMP_HOST_LOSS_MS = 100;

/** Connects to a jump host; closing the transport closes all that is before it. */
export type OpenJumpHost = (jumpHost: SshTarget) => Promise<Transport & Pick<Route, 'dialled' | 'peers'>>;

/** Dependencies of {@link openRoute}. */
export interface RouteContext extends DialContext, ProxyCommandContext {
  readonly openJumpHost: OpenJumpHost;
}

/**
 * Makes the way to a bastion that its target asks for.
 *
 * @throws TshuttleError ERR_BASTION_UNREACHABLE; what `openJumpHost` throws; the signal's reason. Nothing is left then
 */
export async function openRoute(target: SshTarget, context: RouteContext): Promise<Route> {
  const { proxy } = target;
  switch (proxy.kind) {
    case 'none': {
      const { socket, peer, shown } = await dialBastion(target, context);
      return direct(socket, peer, shown);
    }
    case 'socks5': {
      const { socket, peer } = await dialThroughProxy(proxy.proxy, target, context);
      const description = `through the proxy ${formatHostPort(proxy.proxy.host, proxy.proxy.port)}`;
      return direct(socket, peer, description);
    }
    case 'command':
      return await openCommandRoute(proxy.command, context);
    case 'jump':
      return await openJumpRoute(target, proxy.jumpHost, context);
  }
}

/** A route that is nothing but its socket. */
function direct(socket: Socket, dialled: Endpoint, description: string): Route {
  return {
    socket,
    dialled,
    description,
    peers: async () => [dialled],
    explain: async (error) => error,
    close: async () => {},
  };
}

const SOCKET_OPTIONS = { writableHighWaterMark: MIN_QUEUE_BYTES };

async function openCommandRoute(command: string, context: RouteContext): Promise<Route> {
  context.logger.debug(`ProxyCommand: ${command}`);
  const running = await startProxyCommand(command, context, SOCKET_OPTIONS);
  closeAtEnd(running.socket);
  return {
    socket: running.socket,
    dialled: undefined,
    description: 'by ProxyCommand',
    peers: () => running.peers(),
    explain: async (error) => {
      const ending = await running.ending();
      if (ending === undefined) return error;
      return new TshuttleError(error.code, `${error.message}; the ProxyCommand ${ending}`, {
        remedy: `see what it says when you run it yourself: ${command}`,
        cause: error,
      });
    },
    close: () => running.end(),
  };
}

async function openJumpRoute(target: SshTarget, jumpHost: SshTarget, context: RouteContext): Promise<Route> {
  const outer = await context.openJumpHost(jumpHost);
  let outerLoss: TshuttleError | undefined;
  void outer.lost.then((error) => {
    outerLoss = error;
  });
  try {
    const limit = AbortSignal.any([context.signal, AbortSignal.timeout(target.connectTimeoutMs)]);
    const socket = await outer.open({ host: target.host, port: target.port }, limit);
    closeAtEnd(socket);
    return {
      socket,
      dialled: outer.dialled,
      description: `through ${outer.description}`,
      peers: () => outer.peers(),
      explain: async (error) => {
        await Promise.race([outer.lost, delay(JUMP_HOST_LOSS_MS, undefined, { ref: false })]);
        if (outerLoss === undefined) return error;
        const { remedy } = outerLoss;
        return new TshuttleError(
          error.code,
          `${error.message}; its jump host is gone: ${outerLoss.message}`,
          {
            ...(remedy === undefined ? {} : { remedy }),
            cause: outerLoss,
          },
        );
      },
      close: () => outer.close(),
    };
  } catch (error) {
    await outer.close();
    context.signal.throwIfAborted();
    throw unreachable(target, outer.description, error);
  }
}

/** An ssh connection has no half of an end. */
function closeAtEnd(socket: Socket): void {
  socket.once('end', () => socket.destroy());
}

function unreachable(target: SshTarget, jumpHost: string, error: unknown): TshuttleError {
  const failure = error instanceof TshuttleError ? error : undefined;
  const why = failure?.message ?? `${jumpHost} gives no answer within ${target.connectTimeoutMs / 1000} s`;
  const remedy = failure?.remedy ?? 'check the host and the port, and that the jump host can reach them';
  return new TshuttleError('ERR_BASTION_UNREACHABLE', `cannot reach ${describeTarget(target)}: ${why}`, {
    remedy,
    cause: error,
  });
}

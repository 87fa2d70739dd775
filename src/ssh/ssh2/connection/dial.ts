import { Socket, type SocketConstructorOpts } from 'node:net';
import type { DuplexOptions } from 'node:stream';
import { abortable } from '../../../core/abortable.ts';
import { messageOf, systemCodeOf, TshuttleError } from '../../../core/errors.ts';
import { type Endpoint, formatHostPort, makeEndpoint } from '../../../net/address/endpoint.ts';
import { isScopedIpv6, withoutScope } from '../../../net/address/scoped-address.ts';
import { type LookUpHost, lookUpHost } from '../../look-up.ts';
import type { SshTarget } from '../../ssh-target.ts';
import { MIN_QUEUE_BYTES } from '../channels/flow-control/send-scheduler.ts';

const LOOKUP_TIMEOUT_MS = 15_000;

/** Dependencies of {@link dialBastion}. */
export interface DialContext {
  readonly signal: AbortSignal;
  /** Awaited before the first packet to an address leaves, so that it can be exempt from our own redirect. */
  beforeDial(endpoint: Endpoint): Promise<void>;
  /** The resolver of this machine when left out. */
  readonly lookUp?: LookUpHost | undefined;
  /** Called when a connection is under way: what takes long, and is needed once it is there, has time now. */
  readonly onUnderWay?: (() => void) | undefined;
}

/** A connected socket and the address it is connected to. */
export interface DialledSocket {
  readonly socket: Socket;
  readonly peer: Endpoint;
  /** For people: the peer with its scope, where it is link-local. */
  readonly shown: string;
}

/** The part of a target that dialling needs. */
type DialTarget = Pick<SshTarget, 'host' | 'port' | 'addressFamily' | 'bindAddress' | 'connectTimeoutMs'>;

/**
 * {@link dialHost} for a bastion or a jump host. The socket is paused: what the bastion says, and how it ends, is kept by the kernel until
 * the handshake begins.
 */
export async function dialBastion(target: SshTarget, context: DialContext): Promise<DialledSocket> {
  return await dialHost(target, target.role, context, (socket) => socket.pause());
}

/**
 * Connects to the first address of a host that answers, in the order the resolver gives them.
 *
 * @param role what the host is, for messages
 * @param onConnect called before anything is read
 * @throws TshuttleError ERR_BASTION_UNREACHABLE naming every address tried.
 */
export async function dialHost(
  target: DialTarget,
  role: string,
  context: DialContext,
  onConnect?: (socket: Socket) => void,
): Promise<DialledSocket> {
  const places = await resolveHost(target, role, context);
  const failures: string[] = [];
  let cause: unknown;
  for (const { address, endpoint } of places) {
    const shown = formatHostPort(address, target.port);
    await abortable(context.beforeDial(endpoint), context.signal);
    try {
      const connecting = connect(address, target, context.signal, onConnect);
      // Behind connect(2), which Node.js calls in the next tick.
      if (context.onUnderWay !== undefined) setImmediate(context.onUnderWay);
      const socket = await connecting;
      return { socket, peer: endpoint, shown };
    } catch (error) {
      context.signal.throwIfAborted();
      failures.push(`${shown}: ${describeFailure(error)}`);
      cause = error;
    }
  }
  throw new TshuttleError(
    'ERR_BASTION_UNREACHABLE',
    `cannot reach the ${role} ${target.host}: ${failures.join('; ')}`,
    {
      remedy: `check the host and the port, the network, and that the ${role} listens there`,
      cause,
    },
  );
}

/** Where a host may be reached. */
interface Place {
  /** With its scope, where it is link-local. */
  readonly address: string;
  readonly endpoint: Endpoint;
}

async function resolveHost(
  target: DialTarget,
  role: string,
  { signal, lookUp = lookUpHost }: DialContext,
): Promise<readonly Place[]> {
  const family = target.addressFamily === 'any' ? 0 : target.addressFamily;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOKUP_TIMEOUT_MS)]);
  let addresses: readonly string[];
  try {
    addresses = isScopedIpv6(target.host)
      ? [target.host]
      : await abortable(lookUp(target.host, family), limit);
  } catch (error) {
    signal.throwIfAborted();
    throw unresolved(target, role, error);
  }
  // A literal address comes back whatever the family asked for.
  const places = addresses.flatMap((text): readonly Place[] => {
    const endpoint = makeEndpoint(withoutScope(text), target.port);
    if (endpoint === undefined || (family !== 0 && endpoint.family !== family)) return [];
    return [{ address: withoutScope(text) === text ? endpoint.address : text, endpoint }];
  });
  if (places.length === 0) throw unresolved(target, role, new Error('it has no address'));
  return places.filter((one, index) => places.findIndex((other) => other.address === one.address) === index);
}

function unresolved(target: DialTarget, role: string, cause: unknown): TshuttleError {
  const known: Readonly<Record<string, string>> = {
    ENOTFOUND: 'name not found',
    EAI_AGAIN: 'no name server answers',
  };
  const reason = known[systemCodeOf(cause) ?? ''] ?? messageOf(cause);
  const kind = target.addressFamily === 'any' ? '' : ` (IPv${target.addressFamily} only)`;
  return new TshuttleError(
    'ERR_BASTION_UNREACHABLE',
    `cannot resolve the ${role} ${target.host}${kind}: ${reason}`,
    {
      remedy: 'check the spelling, or give the address itself',
      cause,
    },
  );
}

/** The scheduler of uploads counts on 'drain' from the least queue that it allows; Node 22 has a larger default. */
const SOCKET_OPTIONS: SocketConstructorOpts & DuplexOptions = { writableHighWaterMark: MIN_QUEUE_BYTES };

function connect(
  host: string,
  target: DialTarget,
  signal: AbortSignal,
  onConnected: (socket: Socket) => void = () => {},
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new Socket(SOCKET_OPTIONS);
    const fail = (error: unknown): void => {
      finish();
      socket.destroy();
      reject(error as Error);
    };
    const onTimeout = (): void => fail(new NoAnswerError(target.connectTimeoutMs));
    const onAbort = (): void => fail(signal.reason);
    const timer = setTimeout(onTimeout, target.connectTimeoutMs);
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect);
    };
    const onConnect = (): void => {
      finish();
      onConnected(socket);
      resolve(socket);
    };
    // Stays for the life of the socket: an error with no listener would end the process.
    socket.on('error', fail);
    socket.once('connect', onConnect);
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    socket.setNoDelay(true);
    const localAddress = target.bindAddress === undefined ? {} : { localAddress: target.bindAddress };
    socket.connect({ host, port: target.port, ...localAddress });
  });
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  EADDRNOTAVAIL: 'cannot use the bind address',
};

/** ConnectTimeout came before the kernel's own limit. */
class NoAnswerError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs / 1000} s`);
  }
}

function describeFailure(error: unknown): string {
  if (error instanceof NoAnswerError) return error.message;
  return FAILURES[systemCodeOf(error) ?? ''] ?? messageOf(error);
}

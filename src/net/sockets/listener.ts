import type { Server, Socket } from 'node:net';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { formatHostPort } from '../address/endpoint.ts';
import type { IpFamily } from '../address/literal.ts';
import { descriptorOf, duplicateDescriptor } from '../native/descriptors/descriptor.ts';
import { acceptWithReach } from '../native/tcp.ts';
import { acceptingServer } from './accepting-server.ts';
import { type BoundPort, bindPort } from './bound-port.ts';
import { closeAll, onOnePort, portOf } from './one-port.ts';
import { redirectReach } from './redirect-reach.ts';
import { BACKLOG, type SocketPlace, THIS_MACHINE } from './socket-place.ts';

/** How many connections are taken in one turn of the event loop (native-notes/accepting.md). */
const ACCEPTED_IN_A_TURN = 8;

/** Where to listen; `undefined` leaves the family out. */
export interface ListenAddresses {
  readonly address4: string | undefined;
  readonly address6: string | undefined;
  /** Undefined: a free port of the kernel's choice. */
  readonly port: number | undefined;
}

/** A listening socket by its descriptor in this process. */
export interface ListeningDescriptor {
  readonly family: IpFamily;
  readonly descriptor: number;
}

/** Listening sockets of one port, one a family. */
export interface Listeners {
  readonly port: number;
  readonly families: readonly IpFamily[];
  /** Of the listening sockets, one a family; as long as they listen. */
  readonly descriptors: readonly ListeningDescriptor[];
  /** Stops accepting. Accepted sockets stay with their owners. Idempotent. */
  close(): Promise<void>;
}

/**
 * Listens on the same port for each family asked for; accepted sockets are those of {@link acceptingServer}.
 *
 * @throws TshuttleError ERR_LISTEN when an address or the port cannot be had.
 */
export async function openListeners(
  addresses: ListenAddresses,
  onAccepted: (accepted: Socket, family: IpFamily) => void,
  place: SocketPlace = THIS_MACHINE,
): Promise<Listeners> {
  const hosts: Array<readonly [IpFamily, string]> = [];
  if (addresses.address4 !== undefined) hosts.push([4, addresses.address4]);
  if (addresses.address6 !== undefined) hosts.push([6, addresses.address6]);

  const wanted = addresses.port ?? 0;
  let [host, port] = ['', wanted];
  try {
    return await onOnePort(wanted, async (servers) => {
      port = wanted;
      const descriptors: ListeningDescriptor[] = [];
      for (const [family, address] of hosts) {
        host = address;
        const server = acceptingServer((accepted) => onAccepted(accepted, family));
        servers.push(server);
        await place.listen(server, { host, port });
        // Accepting can fail later, where the limit of descriptors was lowered meanwhile (EMFILE); libuv then retries by itself.
        server.on('error', () => {});
        acceptWithReach(server, redirectReach());
        servers.push(...acceptMore(server, (accepted) => onAccepted(accepted, family)));
        port = portOf(server);
        descriptors.push({ family, descriptor: descriptorOf(server) ?? -1 });
      }
      const families = hosts.map(([family]) => family);
      return { port, families, descriptors, close: async () => closeAll(servers) };
    });
  } catch (error) {
    throw listenError(host, port, error);
  }
}

/** Further servers that accept from the same queue as the first, where this system can: it does without them, only slower. */
function acceptMore(first: Server, onAccepted: (accepted: Socket) => void): Server[] {
  const descriptor = descriptorOf(first);
  if (descriptor === undefined) return [];
  const servers: Server[] = [];
  while (servers.length < ACCEPTED_IN_A_TURN - 1) {
    const duplicate = duplicateDescriptor(descriptor);
    if (duplicate === undefined) break;
    const server = acceptingServer(onAccepted).on('error', () => {});
    // The queue is one, and its length the last that was asked for.
    server.listen({ fd: duplicate }, BACKLOG);
    servers.push(server);
  }
  return servers;
}

/**
 * Takes a port at which a server will listen later, see {@link bindPort}.
 *
 * @param option that gave the address, for the remedy
 * @throws TshuttleError ERR_LISTEN, which listening later may throw too
 */
export function reservePort(host: string, port: number, option: string): BoundPort {
  const failure = (error: unknown): TshuttleError => listenError(host, port, error, option);
  try {
    const bound = bindPort(host, port);
    return {
      ...bound,
      listen: async (server) => {
        try {
          await bound.listen(server);
        } catch (error) {
          throw failure(error);
        }
        server.on('error', () => {});
      },
    };
  } catch (error) {
    throw failure(error);
  }
}

/**
 * ERR_LISTEN with the reason and the remedy.
 *
 * @param option that gave the address
 */
export function listenError(host: string, port: number, cause: unknown, option = '-l'): TshuttleError {
  const where = port === 0 ? host : formatHostPort(host, port);
  const code = systemCodeOf(cause);
  const reason = reasons()[code ?? ''] ?? messageOf(cause);
  const remedy = remedyFor(code, option);
  return new TshuttleError('ERR_LISTEN', `cannot listen on ${where}: ${reason}`, { remedy, cause });
}

function remedyFor(code: string | undefined, option: string): string {
  if (code === 'EMFILE') return `allow more open files: ${systemWords().moreDescriptors}`;
  const isWindows = process.platform === 'win32';
  if (code === 'EACCES' && !isWindows) return `choose a port from 1024 on with ${option}`;
  if (code === 'EADDRINUSE' || code === 'EACCES') {
    if (option === '-L')
      return `choose another port with -L, or end what has it: ${systemWords().whoListens} names it`;
    return `choose another port with ${option}, or ${option === '-l' ? 'leave -l out' : 'port 0 for one that is free'}`;
  }
  return `check the address given with ${option}${option === '-l' ? '; --disable-ipv6 does without IPv6' : ''}`;
}

function reasons(): Readonly<Record<string, string>> {
  return {
    EADDRINUSE: 'another program has that port',
    EADDRNOTAVAIL: 'this machine has no such address',
    // There every port is everybody's, but for those that something has for itself.
    EACCES:
      process.platform === 'win32'
        ? 'Windows, or another program, keeps that port for itself'
        : 'that needs root',
    EMFILE: 'this process may open no more files',
  };
}

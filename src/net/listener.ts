import { createServer, type Server, type Socket } from 'node:net';
import { messageOf, systemCodeOf, TshuttleError } from '../core/errors.ts';
import { formatHostPort, type IpFamily } from './endpoint.ts';

/** Connections the kernel may queue for us; Linux caps it at net.core.somaxconn (4096 since 5.4). */
const BACKLOG = 4096;

/** How often a port that is free for one family only is given back and another one tried. */
const SAME_PORT_ATTEMPTS = 16;

/** Where to listen; `undefined` leaves the family out. */
export interface ListenAddresses {
  readonly address4: string | undefined;
  readonly address6: string | undefined;
  /** Undefined: a free port of the kernel's choice. */
  readonly port: number | undefined;
}

/** Listening sockets of one port, one a family. */
export interface Listeners {
  readonly port: number;
  readonly families: readonly IpFamily[];
  /** Stops accepting. Accepted sockets stay with whoever got them. Idempotent. */
  close(): Promise<void>;
}

/**
 * Listens on the same port for each family asked for.
 *
 * Accepted sockets are paused (not a byte is read), half-open capable, without Nagle's delay, and have an error listener
 * from their first tick, so that a reset between accept and hand-over does not end the process.
 *
 * @throws TshuttleError ERR_LISTEN when an address or the port cannot be had.
 */
export async function openListeners(
  addresses: ListenAddresses,
  onAccepted: (accepted: Socket, family: IpFamily) => void,
): Promise<Listeners> {
  const hosts: Array<readonly [IpFamily, string]> = [];
  if (addresses.address4 !== undefined) hosts.push([4, addresses.address4]);
  if (addresses.address6 !== undefined) hosts.push([6, addresses.address6]);

  for (let attempt = 1; ; attempt += 1) {
    const servers: Server[] = [];
    let port = addresses.port ?? 0;
    let host = '';
    try {
      for (const [family, address] of hosts) {
        host = address;
        const server = await listen(address, port, (accepted) => onAccepted(accepted, family));
        servers.push(server);
        port = portOf(server);
      }
      return { port, families: hosts.map(([family]) => family), close: () => closeAll(servers) };
    } catch (error) {
      await closeAll(servers);
      const anotherMayDo = addresses.port === undefined && systemCodeOf(error) === 'EADDRINUSE';
      if (anotherMayDo && attempt < SAME_PORT_ATTEMPTS) continue;
      throw listenError(host, port, error);
    }
  }
}

function listen(host: string, port: number, onAccepted: (accepted: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (accepted) => {
      accepted.on('error', ignoreError);
      onAccepted(accepted);
    });
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG, ipv6Only: true }, () => {
      server.off('error', reject);
      // Accepting can fail later for want of descriptors (EMFILE); libuv then retries by itself.
      server.on('error', () => {});
      resolve(server);
    });
  });
}

/** One for all: a listener of its own for each of many thousand sockets costs memory. */
function ignoreError(): void {}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  // Not awaiting 'close': it waits for every accepted socket, and those belong to their flows.
  for (const server of servers) server.close();
}

function listenError(host: string, port: number, cause: unknown): TshuttleError {
  const where = port === 0 ? host : formatHostPort(host, port);
  const code = systemCodeOf(cause);
  const reason = REASONS[code ?? ''] ?? messageOf(cause);
  const remedy =
    code === 'EADDRINUSE'
      ? 'choose another port with -l, or leave -l out'
      : 'check the address given with -l; --disable-ipv6 does without IPv6';
  return new TshuttleError('ERR_LISTEN', `cannot listen on ${where}: ${reason}`, { remedy, cause });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has that port',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'that needs root',
};

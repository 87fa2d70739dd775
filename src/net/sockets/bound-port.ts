import net, { type Server } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { familyOf } from '../address/literal.ts';
import { BACKLOG } from './socket-place.ts';

/** A port that is ours already, and where connections are refused until a server listens at it. */
export interface BoundPort {
  readonly port: number;
  /** Has a server listen there, which owns the port from now on. Once. @throws Error with the `code` of the system */
  listen(server: Server): Promise<void>;
  /** Gives the port back, unless a server has it. Idempotent. */
  close(): void;
}

/** A listening handle of Node's that does not listen yet. */
interface BoundHandle {
  readonly fd: number;
  /** @returns 0, or a negative error number */
  getsockname(name: { port?: number }): number;
  close(): void;
}

/** As net.Server binds; without a public name, and there since 0.x: `cluster` needs it (native-notes/descriptors.md). */
type CreateServerHandle = (address: string, port: number, family: 4 | 6, fd: -1, flags: number) => unknown;

/** uv.h: the IPv4 port of the same number is another's. */
const UV_TCP_IPV6ONLY = 1;

/**
 * Takes a TCP port without listening at it: nothing is accepted before there is something to be done with it, and a port that
 * another program has is found out at once.
 *
 * @param host a literal address
 * @param prepare is given the descriptor, before anybody can connect; the port is given back when it throws
 * @throws Error with the `code` of the system
 */
export function bindPort(host: string, port: number, prepare?: (descriptor: number) => void): BoundPort {
  const create = (net as unknown as { readonly _createServerHandle: CreateServerHandle })._createServerHandle;
  const family = familyOf(host);
  const created = create(host, port, family, -1, family === 6 ? UV_TCP_IPV6ONLY : 0);
  if (typeof created === 'number') throw systemError(created);
  const handle = created as BoundHandle;
  // libuv keeps EADDRINUSE for the next call.
  const name: { port?: number } = {};
  try {
    const error = handle.getsockname(name);
    if (error !== 0) throw systemError(error);
    prepare?.(handle.fd);
  } catch (error) {
    handle.close();
    throw error;
  }
  let isOurs = true;
  return {
    port: name.port ?? port,
    listen: (server) =>
      new Promise((resolve, reject) => {
        isOurs = false;
        server.once('error', reject);
        server.listen(handle, BACKLOG, () => {
          server.off('error', reject);
          resolve();
        });
      }),
    close: () => {
      if (isOurs) handle.close();
      isOurs = false;
    },
  };
}

function systemError(number: number): Error {
  const code = getSystemErrorName(number);
  return Object.assign(new Error(`bind ${code}`), { code });
}

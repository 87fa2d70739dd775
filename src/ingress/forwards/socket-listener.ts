import { accessSync, constants, lstatSync, type Stats, unlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { BACKLOG } from '../../net/sockets/socket-place.ts';
import type { ForwardListener, OnForwarded } from './port-listener.ts';

/** Who calls by a unix socket has no address: as ssh tells then, for servers that look at it (channels.c, port_open_helper). */
const NO_ADDRESS: Endpoint = { family: 4, address: '127.0.0.1', port: 65_535 };

/** Read and write for us alone. */
const OTHERS_MASK = 0o177;

/**
 * Makes sure that a unix socket can be made at a path: nothing is there, or a socket of ours that nobody listens at any more, as SIGKILL leaves
 * it behind, which is removed. What is made later has mode 0600, and goes with the listener (libuv removes its path).
 *
 * A unix socket knows no reset: a flow that breaks off looks to its application like an end of data.
 *
 * @throws TshuttleError ERR_LISTEN
 */
export async function openSocketListener(path: string, onAccepted: OnForwarded): Promise<ForwardListener> {
  await makeRoom(path);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (accepted) => {
    accepted.on('error', () => {});
    accepted.resetAndDestroy = () => accepted.destroy();
    onAccepted(accepted, NO_ADDRESS);
  });
  return {
    start: () =>
      new Promise((resolve, reject) => {
        const fail = (error: Error): void => reject(cannotListen(path, whyNot(error)));
        server.once('error', fail);
        const before = process.umask(OTHERS_MASK);
        try {
          // Bound in this call, and never where something is already (EADDRINUSE).
          server.listen({ path, backlog: BACKLOG }, () => {
            server.off('error', fail);
            server.on('error', () => {});
            resolve();
          });
        } finally {
          process.umask(before);
        }
      }),
    close: () => void server.close(),
  };
}

async function makeRoom(path: string): Promise<void> {
  const found = statsOf(path);
  if (found === undefined) {
    requireFolder(path);
    return;
  }
  if (!found.isSocket() || found.uid !== process.geteuid?.())
    throw cannotListen(
      path,
      `there is ${found.isSocket() ? "another user's socket" : 'a file'}, which is left alone`,
    );
  if (await isListenedAt(path)) throw cannotListen(path, 'another program listens there');
  try {
    unlinkSync(path);
  } catch (error) {
    throw cannotListen(path, messageOf(error));
  }
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw cannotListen(path, messageOf(error));
  }
}

function requireFolder(path: string): void {
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = systemCodeOf(error) === 'ENOENT' ? 'is not there' : 'cannot be written to';
    throw cannotListen(path, `the folder ${folder} ${why}`);
  }
}

/** Whether anybody would accept, or may do so. */
function isListenedAt(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(systemCodeOf(error) ?? '')));
  });
}

function whyNot(error: Error): string {
  return systemCodeOf(error) === 'EADDRINUSE'
    ? 'there is a file already, which is left alone'
    : messageOf(error);
}

function cannotListen(path: string, why: string): TshuttleError {
  return new TshuttleError('ERR_LISTEN', `cannot listen on ${path}: ${why}`, {
    remedy: 'choose another path with -L, or remove what is there',
  });
}

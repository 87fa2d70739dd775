import { createServer, type Server, Socket } from 'node:net';
import { acceptWithoutDelay } from '../native/tcp.ts';

/** Clones of objects that get further properties have a new hidden class each, before V8 12 (Node.js 22). */
const CLONES_ARE_SLOW = Number(process.versions.v8.split('.')[0]) < 12;

/** A listening handle of Node's, and an accepted one. */
interface ServerHandle {
  onconnection?: (error: number, accepted: AcceptedHandle | undefined) => void;
}
interface AcceptedHandle {
  setNoDelay(isNoDelay: boolean): void;
}

/**
 * A server that does not listen yet, for many short connections.
 *
 * Accepted sockets are paused (not a byte is read), half-open capable, without Nagle's delay, and have an error listener
 * from their first tick, so that a reset between accept and hand-over does not end the process.
 */
export function acceptingServer(onAccepted: (accepted: Socket) => void): Server {
  const handOver = (accepted: Socket): void => {
    accepted.on('error', ignoreError);
    onAccepted(accepted);
  };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, handOver);
  if (CLONES_ARE_SLOW) server.on('listening', () => takeFromHandle(server, handOver));
  return server;
}

/** One for all: a listener of its own for each of many thousand sockets costs memory. */
function ignoreError(): void {}

/** Takes the place of net.Server's own way from an accepted handle to a socket. Node 20 does not change any more. */
function takeFromHandle(server: Server, onAccepted: (accepted: Socket) => void): void {
  const handle = (server as unknown as { readonly _handle?: ServerHandle | null })._handle;
  if (typeof handle?.onconnection !== 'function') return;
  const isWithoutDelay = acceptWithoutDelay(server);
  handle.onconnection = (_error, accepted) => {
    if (accepted === undefined) return; // for want of descriptors; libuv tries again
    if (!isWithoutDelay) accepted.setNoDelay(true);
    onAccepted(socketOf(accepted));
  };
}

/**
 * With all that net.Socket adds to its clone of these options: then all clones are alike, and what follows is compiled code
 * (native-notes/accepting.md). Written out, because a spread is such a clone itself.
 */
function socketOf(handle: AcceptedHandle): Socket {
  const options = {
    handle,
    allowHalfOpen: true,
    pauseOnCreate: true,
    readable: true,
    writable: true,
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false,
  };
  return new Socket(options);
}

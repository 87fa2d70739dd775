import { Socket, type SocketConstructorOpts } from 'node:net';
import type { DuplexOptions } from 'node:stream';
import { canPairDescriptors, openDescriptorPair } from '../native/descriptors/descriptor-pair.ts';
import { makeInProcessPair } from './in-process-pair.ts';

/** Both ends of one connection inside this process: what is written to one is read from the other. */
export interface ConnectedSockets {
  /** The end of the application. */
  readonly near: Socket;
  /** The end of the carrier: paused, like an accepted socket. Its reset is seen by `near` as ECONNRESET. */
  readonly far: Socket;
}

/**
 * Connects two sockets: by the kernel, or where that has no pair for us within this process, at the price of more work for each
 * byte. Either may end its direction and read on; an end that is destroyed before it has ended destroys the other, as a reset
 * does, and so does `resetAndDestroy` at any time. Both have an error listener.
 *
 * @param options for the near one
 * @throws TshuttleError ERR_INTERNAL when the kernel that has pairs gives none
 */
export function connectSockets(options: DuplexOptions = {}): ConnectedSockets {
  const [near, far] = canPairDescriptors() ? pairOfDescriptors(options) : pairOfStreams(options);
  // A unix socket has no reset, and Node refuses to send one (native-notes/socket-pair.md): the other end is told here.
  far.resetAndDestroy = () => {
    near.destroy(connectionReset());
    return far.destroy();
  };
  near.resetAndDestroy = () => {
    far.destroy(connectionReset());
    return near.destroy();
  };
  near.once('close', () => {
    // What was ended in order is still read by the far end, which fails by itself when it writes.
    if (!near.writableFinished) far.destroy(connectionReset());
  });
  return { near, far };
}

function pairOfDescriptors(options: DuplexOptions): readonly [Socket, Socket] {
  const [nearDescriptor, farDescriptor] = openDescriptorPair();
  const near = socketOver(nearDescriptor, options);
  // As a server makes its sockets with pauseOnConnect: nothing is read before the carrier resumes it.
  return [near, socketOver(farDescriptor, { pauseOnCreate: true })];
}

function pairOfStreams(options: DuplexOptions): readonly [Socket, Socket] {
  const [near, far] = makeInProcessPair(options);
  for (const socket of [near, far]) socket.on('error', () => {});
  far.pause();
  far.once('close', () => {
    // A kernel has the end of data in order behind what was written; here nobody would tell.
    if (!far.writableFinished) near.destroy(connectionReset());
  });
  return [near, far];
}

/** A half-open capable socket, with an error listener, over a connected unix socket, which it owns from now on. */
export function socketOver(
  descriptor: number,
  options: DuplexOptions & { readonly pauseOnCreate?: true } = {},
): Socket {
  const all: SocketConstructorOpts & DuplexOptions = { ...options, fd: descriptor, allowHalfOpen: true };
  const socket: Socket = new Socket(all);
  // Stays for the life of the socket: an error with no listener would end the process.
  socket.on('error', () => {});
  return socket;
}

function connectionReset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}

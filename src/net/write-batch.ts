import type { Socket } from 'node:net';

/** A batch is written when it has so much, so that the reader on the other side can start meanwhile. */
const MAX_BATCH_BYTES = 256 * 1024;

/** Sockets whose batch ends with this turn of the event loop. */
const open = new Map<Socket, number>();

/**
 * Writes to a socket together with what else is written to it in this turn of the event loop: one system call, and one
 * wake-up of its reader, for many packets.
 *
 * @param onDone called when the system has taken the bytes, or the socket has failed
 */
export function writeInBatch(socket: Socket, bytes: Buffer, onDone: () => void): void {
  beginBatch(socket, bytes.length);
  socket.write(bytes, onDone);
}

/**
 * Begins a batch, or goes on with it: what is written to the socket next belongs to it.
 *
 * @param bytes how much is about to be written
 */
export function beginBatch(socket: Socket, bytes: number): void {
  const batchBytes = open.get(socket);
  if (batchBytes === undefined) {
    if (open.size === 0) setImmediate(endAll);
    socket.cork();
    open.set(socket, bytes);
  } else if (batchBytes >= MAX_BATCH_BYTES) {
    socket.uncork();
    socket.cork();
    open.set(socket, bytes);
  } else {
    open.set(socket, batchBytes + bytes);
  }
}

function endAll(): void {
  const sockets = [...open.keys()];
  open.clear();
  for (const socket of sockets) socket.uncork();
}

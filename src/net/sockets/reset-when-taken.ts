import type { Socket } from 'node:net';
import { unacknowledgedBytes } from '../native/tcp.ts';

/** How often the kernel's queue is looked at, and for how long at most, in ms. */
const LOOK_INTERVAL_MS = 20;
const PATIENCE_MS = 30_000;

/**
 * Resets a socket that is ending, but only after its peer has everything that was written: a reset drops what still waits in
 * the kernel (native-notes/reset.md). A peer that takes nothing for half a minute is reset all the same.
 *
 * @param reset called once, unless the socket is closed before
 */
export function resetWhenTaken(socket: Socket, reset: () => void): void {
  const startedAtMs = performance.now();
  const look = (): void => {
    const isTaken =
      !isEnding(socket) && socket.writableLength === 0 && (unacknowledgedBytes(socket) ?? 0) === 0;
    if (!isTaken && performance.now() - startedAtMs < PATIENCE_MS) return;
    clearInterval(timer);
    if (!socket.destroyed) reset();
  };
  const timer = setInterval(look, LOOK_INTERVAL_MS);
  timer.unref();
  socket.once('close', () => clearInterval(timer));
}

/** Resets a socket: at once, or, while its shutdown waits, after that (native-notes/reset.md). */
export function resetWhenShut(socket: Socket): void {
  if (isEnding(socket)) socket.once('finish', () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}

/** Its shutdown waits behind what is written. */
function isEnding(socket: Socket): boolean {
  return socket.writableEnded && !socket.writableFinished;
}

import type { Socket } from 'node:net';

/** How long a client that is refused may take to hang up, in ms. */
const LINGER_MS = 5_000;

/** Ends a connection whose last message is to arrive: closing it with something unread would reset it. */
export function lingeringClose(accepted: Socket): void {
  accepted.end();
  accepted.resume();
  const timer = setTimeout(() => accepted.destroy(), LINGER_MS);
  accepted.once('end', () => accepted.destroySoon());
  accepted.once('close', () => clearTimeout(timer));
}

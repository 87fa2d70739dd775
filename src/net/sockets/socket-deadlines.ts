import type { Socket } from 'node:net';

/**
 * An option of `http.createServer`. Node.js looks on a timer how long each request takes, which would wake an idle process twice a
 * minute, for ever; {@link SocketDeadlines} are its place.
 */
export const WITHOUT_CHECKS = { connectionsCheckingInterval: 2 ** 31 - 1 } as const;

/** A deadline for each client of a server, and no timer where there are no clients. */
export class SocketDeadlines {
  readonly #timers = new Map<Socket, NodeJS.Timeout>();
  readonly #onLate: (socket: Socket) => void;

  /** @param onLate ends a socket; its deadline is over when this is called */
  constructor(onLate: (socket: Socket) => void) {
    this.#onLate = onLate;
  }

  /** Gives a socket its first deadline, in ms from now. Once for each. */
  follow(socket: Socket, ms: number): void {
    socket.once('close', () => this.clear(socket));
    this.set(socket, ms);
  }

  /** Puts another deadline in place of the one before. */
  set(socket: Socket, ms: number): void {
    this.clear(socket);
    if (socket.destroyed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(socket);
      this.#onLate(socket);
    }, ms);
    this.#timers.set(socket, timer.unref());
  }

  /** Lets a socket take as long as it takes. */
  clear(socket: Socket): void {
    clearTimeout(this.#timers.get(socket));
    this.#timers.delete(socket);
  }
}

import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf } from '../../core/errors.ts';
import { Limited } from '../../core/limited.ts';
import { strangerAt } from '../../net/native/peer.ts';
import { descriptorBudget } from '../../net/sockets/descriptor-budget.ts';

/** A master's socket has room for 64 connections that it has not accepted yet (mux.c), and others may use it too. */
const MAX_AT_ONCE = 24;

/** A full backlog is tried again; a master that accepts nothing for this long is stuck. */
const BUSY_TIMEOUT_MS = 15_000;
const BUSY_PAUSE_MS = 20;

/**
 * Opens connections to a unix socket of ssh's, so many at once as its backlog bears. A connection counts until the server
 * has greeted.
 */
export class UnixConnections {
  readonly #path: string;
  readonly #opening = new Limited(MAX_AT_ONCE);

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * A connection over which `greet` has succeeded. It can be half open and has an error listener.
   *
   * @throws the system's error when there is nobody; what `greet` throws. Nothing is left open then
   */
  open<T>(greet: (socket: Socket) => Promise<T>): Promise<T> {
    return this.#opening.run(async () => {
      const socket = await this.#connect();
      try {
        return await greet(socket);
      } catch (error) {
        socket.destroy();
        throw error;
      }
    });
  }

  async #connect(): Promise<Socket> {
    const deadlineMs = performance.now() + BUSY_TIMEOUT_MS;
    for (;;) {
      try {
        return await connect(this.#path);
      } catch (error) {
        // Of a unix socket: its backlog is full (unix(7), connect of a non-blocking socket).
        if (systemCodeOf(error) !== 'EAGAIN' || performance.now() > deadlineMs) throw error;
        await delay(BUSY_PAUSE_MS);
      }
    }
  }
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true });
    socket.on('error', reject);
    socket.once('connect', () => {
      const stranger = strangerAt(socket);
      if (stranger !== undefined && !isSudoUser(stranger)) {
        socket.destroy(new Error(`it is a process of user ${stranger}, to whom no connection is given`));
      } else if (descriptorBudget().isBeyond(socket, 'flow')) {
        socket.destroy(Object.assign(new Error('too many open files'), { code: 'EMFILE' }));
      } else resolve(socket);
    });
  });
}

/** The user who made this process root may have it join their own ssh, as ssh itself allows (channels.c, euid 0). */
function isSudoUser(user: number): boolean {
  return process.geteuid?.() === 0 && process.env['SUDO_UID'] === `${user}`;
}

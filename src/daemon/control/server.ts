import { randomBytes } from 'node:crypto';
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { peerCredentials } from '../../net/native-peer.ts';
import { makePrivateFolder } from '../private-folder.ts';
import type { ControlTarget } from './control-target.ts';
import { ControlSession } from './session.ts';

/** Clients at once; people and monitoring need a few. */
const MAX_CLIENTS = 32;

/** How long the end of a process waits for replies, such as that to `down`. */
const ANSWER_TIMEOUT_MS = 500;

/** sockaddr_un has room for 107 bytes and the NUL; macOS for 103. */
const MAX_PATH_BYTES = 103;

/**
 * The control socket of this process: only this user, and root, can use it.
 *
 * Each process has a socket of its own in the folder, under a name that nobody else has, so that two never fight over one. It
 * appears under that name when it answers already: whoever is refused at it knows that its process is dead.
 */
export class ControlServer {
  readonly #server: Server;
  readonly #path: string;
  readonly #clients = new Map<Socket, ControlSession>();

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** @throws TshuttleError ERR_CONFIG when there can be no socket in the folder */
  static async open(folder: string, target: ControlTarget, logger: Logger): Promise<ControlServer> {
    makePrivateFolder(folder);
    const name = randomBytes(4).toString('hex');
    const hidden = join(folder, `.${name}.new`);
    const path = join(folder, `${name}.sock`);
    if (Buffer.byteLength(hidden) > MAX_PATH_BYTES) {
      throw unusable(
        folder,
        `its path has more than ${MAX_PATH_BYTES - hidden.length + folder.length} bytes`,
      );
    }
    const server = createServer();
    const control = new ControlServer(server, path);
    server.on('connection', (socket) => control.#admit(socket, target, logger));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(hidden, () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', (error) => logger.warn(`the control socket: ${error.message}`));
      chmodSync(hidden, 0o600);
      renameSync(hidden, path);
      return control;
    } catch (error) {
      server.close();
      rmSync(hidden, { force: true });
      throw unusable(folder, messageOf(error), error);
    }
  }

  /** Removes the socket, and sends the clients away when they are answered, or when that takes long. Idempotent. */
  async close(): Promise<void> {
    rmSync(this.#path, { force: true });
    this.#server.close();
    const answered = Promise.all([...this.#clients.values()].map((session) => session.answered()));
    const tooLong = new AbortController();
    await Promise.race([answered, delay(ANSWER_TIMEOUT_MS, undefined, tooLong).catch(() => {})]);
    tooLong.abort();
    for (const client of this.#clients.keys()) client.destroySoon();
  }

  #admit(socket: Socket, target: ControlTarget, logger: Logger): void {
    // A client that goes away is no failure.
    socket.on('error', () => {});
    const user = peerCredentials(socket)?.userId;
    if (user !== 0 && user !== process.geteuid?.()) {
      logger.warn(`the control socket refused user ${user ?? 'unknown'}`);
      socket.destroy();
      return;
    }
    if (this.#clients.size >= MAX_CLIENTS) {
      socket.destroy();
      return;
    }
    this.#clients.set(socket, new ControlSession(socket, target));
    socket.on('close', () => this.#clients.delete(socket));
  }
}

function unusable(folder: string, why: string, cause?: unknown): TshuttleError {
  return new TshuttleError('ERR_CONFIG', `cannot open a control socket in ${folder}: ${why}`, {
    remedy: 'set XDG_RUNTIME_DIR to a folder of yours with a short path',
    cause,
  });
}

import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, type FSWatcher, renameSync, rmSync, watch } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { canTellPeers, peerCredentials } from '../../net/native/peer.ts';
import { AdmittedClients } from '../../net/sockets/admitted-clients.ts';
import { makePrivateFolder } from '../files/private-folder.ts';
import type { ControlTarget } from './control-target.ts';
import { meetClient } from './pipe-key.ts';
import { ControlSession } from './session.ts';
import { areSocketsFiles, type ControlAddress, newAddress, publishAddress } from './socket-address.ts';

/** Clients at once; people and monitoring need a few. With more, the one that has asked for nothing for longest goes. */
const MAX_CLIENTS = 32;

/** How long the end of a process waits for replies, such as that to `down`. */
const ANSWER_TIMEOUT_MS = 500;

/** sockaddr_un has room for 107 bytes and the NUL; macOS for 103. */
const MAX_PATH_BYTES = 103;

/**
 * The control socket of this process: only this user, and root, can use it. On Windows a named pipe, whose place in the folder is
 * a file with its name and key.
 *
 * Each process has a socket of its own in the folder, under a name that nobody else has, so that two never fight over one. It
 * appears under that name when it answers already: a client that is refused there knows that its process is dead.
 */
export class ControlServer {
  readonly #target: ControlTarget;
  readonly #logger: Logger;
  #server: Server | undefined;
  #path = '';
  #watcher: FSWatcher | undefined;
  #isClosed = false;
  readonly #sessions = new Map<Socket, ControlSession>();
  readonly #clients = new AdmittedClients({
    use: 'service',
    most: MAX_CLIENTS,
    mostIdle: MAX_CLIENTS,
    // A unix socket has no reset.
    end: (client) => client.destroy(),
  });

  private constructor(target: ControlTarget, logger: Logger) {
    this.#target = target;
    this.#logger = logger;
  }

  /**
   * @param refuge where the socket goes on when the folder is emptied: at the end of a session its folders are
   *   (native-notes/daemonise.md)
   * @throws TshuttleError ERR_CONFIG when there can be no socket in the folder
   */
  static async open(
    folder: string,
    target: ControlTarget,
    logger: Logger,
    refuge?: string,
  ): Promise<ControlServer> {
    const control = new ControlServer(target, logger);
    await control.#listen(folder);
    if (refuge !== undefined && refuge !== folder) control.#watch(refuge);
    return control;
  }

  #makeServer(address: ControlAddress): Server {
    return createServer((socket) => this.#admit(socket, address));
  }

  async #listen(folder: string): Promise<void> {
    makePrivateFolder(folder);
    const name = randomBytes(4).toString('hex');
    const hidden = join(folder, `.${name}.new`);
    const address = newAddress(hidden);
    if (areSocketsFiles() && Buffer.byteLength(hidden) > MAX_PATH_BYTES) {
      throw unusable(
        folder,
        `its path has more than ${MAX_PATH_BYTES - hidden.length + folder.length} bytes`,
      );
    }
    const server = this.#makeServer(address);
    this.#server = server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(address.path, () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', (error) => this.#logger.warn(`the control socket: ${error.message}`));
      publishAddress(address, hidden);
      chmodSync(hidden, 0o600);
      this.#path = join(folder, `${name}.sock`);
      renameSync(hidden, this.#path);
    } catch (error) {
      server.close();
      rmSync(hidden, { force: true });
      throw unusable(folder, messageOf(error), error);
    }
  }

  /** A socket that loses its name has another number of links, of which the kernel tells. */
  #watch(refuge: string): void {
    try {
      this.#watcher = watch(this.#path, { persistent: false }, () => {
        if (!existsSync(this.#path)) void this.#moveTo(refuge);
      });
      this.#watcher.on('error', () => {}); // then it is not watched any more
    } catch (error) {
      this.#logger.debug(`the control socket is not watched: ${messageOf(error)}`);
    }
  }

  /** Those who are connected stay so. */
  async #moveTo(folder: string): Promise<void> {
    this.#watcher?.close();
    if (this.#isClosed) return;
    this.#server?.close();
    try {
      await this.#listen(folder);
      if (this.#isClosed) await this.close();
      else
        this.#logger.info(`the control socket is in ${folder} now: the folder where it was has been emptied`);
    } catch (error) {
      this.#logger.warn(`tshuttle status does not know of this tunnel any more: ${messageOf(error)}`);
    }
  }

  /** Removes the socket, and sends the clients away when they are answered, or when that takes long. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watcher?.close();
    rmSync(this.#path, { force: true });
    this.#server?.close();
    const answered = Promise.all([...this.#sessions.values()].map((session) => session.answered()));
    const tooLong = new AbortController();
    await Promise.race([answered, delay(ANSWER_TIMEOUT_MS, undefined, tooLong).catch(() => {})]);
    tooLong.abort();
    for (const client of this.#sessions.keys()) client.destroySoon();
  }

  #admit(socket: Socket, { pipe }: ControlAddress): void {
    // A client that goes away is no failure.
    socket.on('error', () => {});
    const user = peerCredentials(socket)?.userId;
    // Where the system is not asked, the folder (0700) and the socket (0600) keep others out all the same.
    if (canTellPeers() && user !== 0 && user !== process.geteuid?.()) {
      this.#logger.warn(`the control socket refused user ${user ?? 'unknown'}`);
      socket.destroy();
      return;
    }
    if (!this.#clients.admit(socket)) return;
    if (pipe === undefined) {
      this.#serve(socket);
      return;
    }
    meetClient(socket, pipe.key).then(
      () => this.#serve(socket),
      (error: unknown) => {
        this.#logger.warn(`the control pipe refused a client: ${messageOf(error)}`);
        socket.destroy();
      },
    );
  }

  #serve(socket: Socket): void {
    const session = new ControlSession(socket, this.#target);
    this.#sessions.set(socket, session);
    socket.on('close', () => this.#sessions.delete(socket));
    // After the session has taken it.
    socket.on('data', () => {
      this.#clients.busy(socket);
      void session.answered().then(() => this.#clients.done(socket));
    });
  }
}

function unusable(folder: string, why: string, cause?: unknown): TshuttleError {
  return new TshuttleError('ERR_CONFIG', `cannot open a control socket in ${folder}: ${why}`, {
    remedy: `set ${systemWords().sessionVariable} to a folder of yours with a short path`,
    cause,
  });
}

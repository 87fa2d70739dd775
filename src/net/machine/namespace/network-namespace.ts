import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { Socket as UdpSocket } from 'node:dgram';
import { Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ownAccount } from '../../../core/accounts.ts';
import { messageOf, TshuttleError } from '../../../core/errors.ts';
import { START_FOLDER } from '../../../core/files/start-folder.ts';
import { INSTALLATION_FOLDER } from '../../../core/installation.ts';
import { systemWords } from '../../../core/systems/system-words.ts';
import { descriptorOf, duplicateDescriptor } from '../../native/descriptor.ts';
import { BACKLOG, type PlacedAddress, type SocketPlace } from '../../sockets/socket-place.ts';
import type { HolderReply, HolderRequest } from './namespace-protocol.ts';
import { includedFilesOfRoot } from './ssh-config-files.ts';

const HOLDER_PATH = join(INSTALLATION_FOLDER, 'bin', 'tshuttle-namespace');

/** From a request to its reply, on a machine that is busy. */
const REPLY_TIMEOUT_MS = 20_000;

/** The holder gives what is inside 1 s to end. */
const CLOSE_TIMEOUT_MS = 5_000;

/** A network namespace of our own, where everything leads to loopback; no root is needed (native-notes/isolated-namespace.md). */
export interface NetworkNamespace extends SocketPlace {
  /** Whether IPv6 leads anywhere in it. */
  readonly ipv6: boolean;
  /** Runs a command inside as root of its user namespace, which may change its rules: goes before the command. */
  readonly asRoot: readonly string[];
  /** Runs a command inside as who we are, without any capability, in our folder: goes before the command, which replaces it. */
  readonly asUser: readonly string[];
  /** Ends whatever is inside, and the namespace with it. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a network namespace.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE where the system lets us not; nothing is left behind then
 */
export async function openNetworkNamespace(ipv6: boolean): Promise<NetworkNamespace> {
  if (process.platform !== 'linux') {
    const message = `there are no network namespaces on ${systemWords().name}`;
    throw new TshuttleError('ERR_NO_PRIVILEGE', message, { remedy: 'use --rootless, which does without' });
  }
  const holder = new Holder();
  try {
    const ownCopies = process.geteuid?.() === 0 ? [] : includedFilesOfRoot(ownAccount().homeDirectory);
    await holder.call({ prepare: true, ipv6, ownCopies });
    const namespace = new OpenNamespace(holder, ipv6);
    const [file = '', ...words] = [...namespace.asUser, 'true'];
    await promisify(execFile)(file, words, { timeout: REPLY_TIMEOUT_MS });
    return namespace;
  } catch (error) {
    await holder.close();
    const message = `no network namespace can be had: ${(holder.errors.trim() || messageOf(error)).slice(0, 500)}`;
    throw new TshuttleError('ERR_NO_PRIVILEGE', message, {
      remedy:
        'it needs Linux with unshare, nsenter (util-linux 2.36), ip and unprivileged user namespaces (Ubuntu: sysctl ' +
        'kernel.apparmor_restrict_unprivileged_userns=0); --rootless does without',
      cause: error,
    });
  }
}

/** The process that holds it. */
class Holder {
  /** The start of what it and unshare have complained of. */
  errors = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #pending = new Map<
    number,
    { resolve(socket: unknown): void; reject(error: Error): void; timer: NodeJS.Timeout }
  >();
  #lastId = 0;

  constructor() {
    const unshare = ['--user', '--map-root-user', '--net', '--mount', '--'];
    this.#child = spawn('unshare', [...unshare, process.execPath, HOLDER_PATH], {
      cwd: '/',
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.on('message', (reply: HolderReply, socket: unknown) => this.#receive(reply, socket));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (this.errors.length < 500) this.errors += text;
    });
    this.#ended = new Promise((resolve) => {
      const end = (error?: Error): void => {
        resolve();
        for (const id of this.#pending.keys())
          this.#settle(id)?.reject(error ?? new Error('the process that holds the namespace has ended'));
      };
      this.#child.once('error', end);
      this.#child.once('exit', () => setImmediate(end));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @returns the socket that came with the answer */
  call(request: HolderRequest extends infer R ? (R extends HolderRequest ? Omit<R, 'id'> : never) : never) {
    const id = ++this.#lastId;
    return new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(
        () => this.#settle(id)?.reject(new Error(`no answer within ${REPLY_TIMEOUT_MS} ms`)),
        REPLY_TIMEOUT_MS,
      );
      this.#pending.set(id, { resolve, reject, timer });
      this.#child.send({ ...request, id }, (error) => {
        if (error !== null) this.#settle(id)?.reject(error);
      });
    });
  }

  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #receive({ id, answer }: HolderReply, socket: unknown): void {
    const pending = this.#settle(id);
    if (answer.kind === 'done') pending?.resolve(socket);
    else pending?.reject(Object.assign(new Error(answer.message), { code: answer.code }));
  }

  #settle(id: number) {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }
}

class OpenNamespace implements NetworkNamespace {
  readonly ipv6: boolean;
  readonly asRoot: readonly string[];
  readonly asUser: readonly string[];
  readonly #holder: Holder;

  constructor(holder: Holder, ipv6: boolean) {
    this.#holder = holder;
    this.ipv6 = ipv6;
    const enter = ['nsenter', '--target', String(holder.pid), '--user', '--net', '--preserve-credentials'];
    this.asRoot = [...enter, '--'];
    const ids = [`--map-user=${process.geteuid?.()}`, `--map-group=${process.getegid?.()}`];
    const back = ['unshare', '--user', ...ids, `--wd=${START_FOLDER}`, '--'];
    this.asUser = [...enter, '--mount', '--', ...back];
  }

  async listen(server: Server, at: PlacedAddress): Promise<void> {
    const made = await this.#holder.call({ make: 'server', at });
    if (!(made instanceof Server)) throw new Error('no server came');
    const descriptor = duplicateDescriptor(descriptorOf(made) ?? -1);
    made.close();
    if (descriptor === undefined) throw Object.assign(new Error('no descriptor is left'), { code: 'EMFILE' });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ fd: descriptor }, BACKLOG, () => {
        server.off('error', reject);
        resolve();
      });
    });
  }

  async bind(at: PlacedAddress): Promise<UdpSocket> {
    const made = await this.#holder.call({ make: 'datagram', at });
    if (!(made instanceof UdpSocket)) throw new Error('no socket came');
    return made;
  }

  close(): Promise<void> {
    return this.#holder.close();
  }
}

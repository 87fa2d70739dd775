import { type ChildProcess, spawn } from 'node:child_process';
import { Socket as UdpSocket } from 'node:dgram';
import { Server } from 'node:net';
import { join } from 'node:path';
import { INSTALLATION_FOLDER } from '../../../core/installation.ts';
import { descriptorOf, duplicateDescriptor } from '../../native/descriptors/descriptor.ts';
import { BACKLOG, type PlacedAddress, type SocketPlace } from '../../sockets/socket-place.ts';
import type { HolderReply, HolderRequest } from './namespace-protocol.ts';

const HOLDER_PATH = join(INSTALLATION_FOLDER, 'bin', 'tshuttle-namespace');

/** From a request to its reply, on a machine that is busy. */
export const REPLY_TIMEOUT_MS = 20_000;

/** What is inside a namespace of our own has 1 s to end. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Its answer, and the socket that came with it. */
interface Received {
  readonly answer: Exclude<HolderReply['answer'], { kind: 'failed' }>;
  readonly socket: unknown;
}

/** A process of ours in a network namespace, which makes sockets there for us. */
export class HolderProcess implements SocketPlace {
  /** The start of what it, and what has started it, have complained of. */
  errors = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #pending = new Map<
    number,
    { resolve(received: Received): void; reject(error: Error): void; timer: NodeJS.Timeout }
  >();
  #lastId = 0;

  /** @param within the command that runs another one in the namespace, which replaces it */
  constructor(within: readonly [string, ...string[]]) {
    const [program, ...words] = within;
    this.#child = spawn(program, [...words, process.execPath, HOLDER_PATH], {
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

  /** @throws Error of the system, also where it has ended */
  call(
    request: HolderRequest extends infer R ? (R extends HolderRequest ? Omit<R, 'id'> : never) : never,
  ): Promise<Received> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
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

  async listen(server: Server, at: PlacedAddress): Promise<void> {
    const { socket: made } = await this.call({ make: 'server', at });
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
    const { socket: made } = await this.call({ make: 'datagram', at });
    if (!(made instanceof UdpSocket)) throw new Error('no socket came');
    return made;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #receive({ id, answer }: HolderReply, socket: unknown): void {
    const pending = this.#settle(id);
    // Nobody waits for it any more, so it is ours to close.
    if (pending === undefined)
      return void (socket instanceof Server || socket instanceof UdpSocket ? socket.close() : undefined);
    if (answer.kind === 'failed')
      pending.reject(Object.assign(new Error(answer.message), { code: answer.code }));
    else pending.resolve({ answer, socket });
  }

  #settle(id: number) {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }
}

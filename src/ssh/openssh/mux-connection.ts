import type { Socket } from 'node:net';
import { deferred } from '../../core/deferred.ts';
import type { HostPort } from '../../net/address/endpoint.ts';
import { descriptorOf } from '../../net/native/descriptors/descriptor.ts';
import { sendDescriptor } from '../../net/native/descriptors/descriptor-passing.ts';
import {
  encodeAliveCheck,
  encodeHello,
  encodeStdioForward,
  isOurVersion,
  type MuxMessage,
  MuxMessageReader,
} from './mux-protocol.ts';
import type { UnixConnections } from './unix-connection.ts';

/** A master that is up answers within milliseconds; a stopped one never. */
const REPLY_TIMEOUT_MS = 10_000;

/** What a master says to a request for a channel. */
export type ForwardReply = Extract<MuxMessage, { kind: 'opened' | 'failure' | 'permission-denied' }>;

/** The one request that a connection makes. */
const REQUEST_ID = 1;

/** One connection to a master's control socket, past HELLO: good for one request. */
export class MuxConnection {
  /** Resolves, never rejects, when the connection is over: the master has closed it, or {@link close}. */
  readonly over: Promise<void>;
  readonly #socket: Socket;
  readonly #reader = new MuxMessageReader();
  readonly #messages: MuxMessage[] = [];
  #failure: Error | undefined;
  #wake = deferred<void>();

  /** @throws Error when nobody is there, or it is no master. Nothing is left open then */
  static async open(connections: UnixConnections): Promise<MuxConnection> {
    return await connections.open(async (socket) => {
      const connection = new MuxConnection(socket);
      const hello = await connection.#next(REPLY_TIMEOUT_MS);
      if (hello.kind !== 'hello' || !isOurVersion(hello.version)) {
        throw new Error('it does not speak version 4 of the protocol of an ssh master');
      }
      return connection;
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.over = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.once('end', () => socket.destroy());
    socket.once('close', () => this.#fail(new Error('it closed the connection')));
  }

  /** Whether the connection is over. */
  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  /** The process id of the master. @throws Error when it gives none */
  async checkAlive(): Promise<number> {
    this.#socket.write(Buffer.concat([encodeHello(), encodeAliveCheck(REQUEST_ID)]));
    const reply = await this.#next(REPLY_TIMEOUT_MS);
    if (reply.kind !== 'alive') throw new Error(`it answered '${reply.kind}' when asked whether it is up`);
    return reply.pid;
  }

  /**
   * Has the master open a channel that reads from, and writes to, a socket. The master gets copies of the descriptor, and
   * has not begun to read as long as the reply is not `opened`.
   *
   * The reply comes when the destination has answered, which may take minutes.
   *
   * @throws Error when the connection breaks
   */
  async forward(socket: Socket, destination: HostPort): Promise<ForwardReply> {
    const request = Buffer.concat([encodeHello(), encodeStdioForward(REQUEST_ID, destination)]);
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(request, (error) => (error ? reject(error) : resolve()));
    });
    const descriptor = descriptorOf(socket);
    if (descriptor === undefined) throw new Error('the application closed its connection');
    sendDescriptor(this.#socket, descriptor);
    sendDescriptor(this.#socket, descriptor);
    const reply = await this.#next(undefined);
    if (reply.kind === 'opened' || reply.kind === 'failure' || reply.kind === 'permission-denied')
      return reply;
    throw new Error(`it answered '${reply.kind}' to a request for a channel`);
  }

  /** Closes the connection, and with it the channel that was opened over it. Idempotent. */
  close(): void {
    this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    try {
      this.#messages.push(...this.#reader.receive(bytes));
      this.#wake.resolve();
    } catch (error) {
      this.#fail(error as Error);
      this.#socket.destroy();
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake.resolve();
  }

  async #next(timeoutMs: number | undefined): Promise<MuxMessage> {
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => this.#fail(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    try {
      for (;;) {
        const message = this.#messages.shift();
        if (message !== undefined) return message;
        if (this.#failure !== undefined) throw this.#failure;
        this.#wake = deferred();
        await this.#wake.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

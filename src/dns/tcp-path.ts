import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import { isAnswerTo } from './answer.ts';
import { frame, MessageSplitter } from './message-splitter.ts';

/** Queries that wait for an answer; of more, it is said at once that there is none. */
const MAX_PENDING = 256;

/** As for UDP: longer than any client waits. */
const ANSWER_TIMEOUT_MS = 10_000;

/** RFC 7766 section 6.2.3. */
const IDLE_TIMEOUT_MS = 10_000;

interface Pending {
  readonly packet: Buffer;
  readonly settle: (answer: Buffer | undefined) => void;
}

/** Asks one nameserver over one TCP connection, which is opened when it is needed and closed when it is idle. */
export class TcpPath {
  readonly #connect: () => Promise<Socket>;
  #connection: Promise<Socket> | undefined;
  readonly #pending = new Map<number, Pending>();

  constructor(connect: () => Promise<Socket>) {
    this.#connect = connect;
  }

  /** The answer, under the id of the query; undefined when there is none. Never rejects. */
  async ask(packet: Buffer): Promise<Buffer | undefined> {
    if (this.#pending.size >= MAX_PENDING) return undefined;
    let id = randomInt(0x1_0000);
    while (this.#pending.has(id)) id = randomInt(0x1_0000);
    const ours = Buffer.from(packet);
    ours.writeUInt16BE(id, 0);
    const answer = await this.#exchange(id, ours);
    answer?.writeUInt16BE(packet.readUInt16BE(0), 0);
    return answer;
  }

  #exchange(id: number, packet: Buffer): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), ANSWER_TIMEOUT_MS);
      const settle = (answer: Buffer | undefined): void => {
        clearTimeout(timer);
        this.#pending.delete(id);
        resolve(answer);
      };
      this.#pending.set(id, { packet, settle });
      this.#connection ??= this.#open();
      this.#connection.then(
        (socket) => socket.write(frame(packet)),
        () => settle(undefined),
      );
    });
  }

  async #open(): Promise<Socket> {
    try {
      const socket = await this.#connect();
      const splitter = new MessageSplitter();
      socket.on('data', (chunk: Buffer) => {
        for (const message of splitter.push(chunk)) this.#receive(message);
      });
      socket.on('end', () => socket.destroy());
      socket.on('close', () => {
        this.#connection = undefined;
        for (const { settle } of [...this.#pending.values()]) settle(undefined);
      });
      // With a reset, so that its port is free at once.
      socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.resetAndDestroy());
      return socket;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }

  #receive(message: Buffer): void {
    if (message.length < 2) return;
    const pending = this.#pending.get(message.readUInt16BE(0));
    if (pending !== undefined && isAnswerTo(message, pending.packet)) pending.settle(message);
  }
}

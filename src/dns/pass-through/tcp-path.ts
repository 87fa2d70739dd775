import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import { isAnswerTo } from '../message/answer.ts';
import { frame, MessageSplitter } from '../message/message-splitter.ts';

/** Queries that wait for an answer; further ones fail at once. */
const MAX_PENDING = 256;

/** As for UDP: longer than any client waits. */
const ANSWER_TIMEOUT_MS = 10_000;

/** RFC 7766 section 6.2.3. */
const IDLE_TIMEOUT_MS = 10_000;

/** As for resolvers behind the bastion: a nameserver may answer each connection by a process that knows what was known at its start. */
const MAX_AGE_MS = 10_000;

interface Pending {
  readonly packet: Buffer;
  readonly settle: (answer: Buffer | undefined) => void;
}

/** A connection, open or being opened, and what was asked over it. */
interface Connection {
  readonly socket: Promise<Socket>;
  readonly beganAtMs: number;
  readonly pending: Map<number, Pending>;
  /** Another one has taken over: it ends with its last answer. */
  isRetired: boolean;
}

/** Asks one nameserver over one TCP connection, which is opened when it is needed, and closed when it is idle or too old. */
export class TcpPath {
  readonly #connect: () => Promise<Socket>;
  readonly #maxAgeMs: number;
  #current: Connection | undefined;
  #pending = 0;

  constructor(connect: () => Promise<Socket>, { maxAgeMs = MAX_AGE_MS } = {}) {
    this.#connect = connect;
    this.#maxAgeMs = maxAgeMs;
  }

  /** The answer, under the id of the query; undefined when there is none. Never rejects. */
  async ask(packet: Buffer): Promise<Buffer | undefined> {
    if (this.#pending >= MAX_PENDING) return undefined;
    const connection = this.#connection();
    let id = randomInt(0x1_0000);
    while (connection.pending.has(id)) id = randomInt(0x1_0000);
    const ours = Buffer.from(packet);
    ours.writeUInt16BE(id, 0);
    this.#pending += 1;
    const answer = await exchange(connection, id, ours);
    this.#pending -= 1;
    if (connection.isRetired) endWithLastAnswer(connection);
    answer?.writeUInt16BE(packet.readUInt16BE(0), 0);
    return answer;
  }

  #connection(): Connection {
    const current = this.#current;
    if (current !== undefined) {
      if (performance.now() - current.beganAtMs < this.#maxAgeMs) return current;
      current.isRetired = true;
      endWithLastAnswer(current);
    }
    const socket = this.#connect();
    const opened: Connection = {
      socket,
      beganAtMs: performance.now(),
      pending: new Map(),
      isRetired: false,
    };
    this.#current = opened;
    const end = (): void => {
      if (this.#current === opened) this.#current = undefined;
      for (const { settle } of [...opened.pending.values()]) settle(undefined);
    };
    socket.then((open) => follow(open, opened, end), end);
    return opened;
  }
}

function follow(socket: Socket, { pending }: Connection, onEnd: () => void): void {
  const splitter = new MessageSplitter();
  socket.on('data', (chunk: Buffer) => {
    for (const message of splitter.push(chunk)) receive(message, pending);
  });
  socket.on('end', () => socket.destroy());
  socket.on('close', onEnd);
  // With a reset, so that its port is free at once.
  socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.resetAndDestroy());
}

function exchange({ socket, pending }: Connection, id: number, packet: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(undefined), ANSWER_TIMEOUT_MS);
    const settle = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      pending.delete(id);
      resolve(answer);
    };
    pending.set(id, { packet, settle });
    socket.then(
      (open) => open.write(frame(packet)),
      () => settle(undefined),
    );
  });
}

function receive(message: Buffer, pending: ReadonlyMap<number, Pending>): void {
  if (message.length < 2) return;
  const asked = pending.get(message.readUInt16BE(0));
  if (asked !== undefined && isAnswerTo(message, asked.packet)) asked.settle(message);
}

/** With a reset, so that its port is free at once. */
function endWithLastAnswer({ socket, pending }: Connection): void {
  if (pending.size > 0) return;
  socket.then(
    (open) => open.resetAndDestroy(),
    () => {},
  );
}

import type { Socket } from 'node:net';
import { frame, MessageSplitter } from '../message/message-splitter.ts';
import type { QueryPolicy } from './query-policy.ts';

/** Queries of one client that have no answer yet; then nothing more is read until some have. */
const MAX_IN_FLIGHT = 100;

/** Seconds are enough for a client to send its next query (RFC 7766 section 6.2.3). */
const IDLE_TIMEOUT_MS = 10_000;

/** Of a client that does not read its answers, or a nameserver that does not read its queries. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/**
 * Answers the queries of one TCP client, each as soon as it is known, until the client ends or is idle. Owns the socket.
 *
 * @param connectNameserver connects to the nameserver that the client has asked, for what is passed on to it: once a client
 */
export function serveTcpClient(
  client: Socket,
  policy: QueryPolicy,
  connectNameserver: () => Promise<Socket>,
): void {
  const splitter = new MessageSplitter();
  const waiting: Buffer[] = [];
  let inFlight = 0;
  let hasEnded = false;
  let nameserver: NameserverSide | undefined;

  const send = (answer: Buffer): void => {
    if (client.writableLength > MAX_UNREAD_BYTES) client.destroy();
    else if (client.writable) client.write(frame(answer));
  };
  const proceed = (): void => {
    while (inFlight < MAX_IN_FLIGHT) {
      const message = waiting.shift();
      if (message === undefined) break;
      onMessage(message);
    }
    if (waiting.length > 0) client.pause();
    else client.resume();
    if (!hasEnded || waiting.length > 0 || inFlight > 0) return;
    // The nameserver may still be answering; its end is the client's.
    if (nameserver === undefined) client.end();
    else nameserver.end();
  };
  const onMessage = (message: Buffer): void => {
    const handling = policy.handle(message);
    switch (handling.kind) {
      case 'ignored':
        // A client that sends answers does not speak DNS.
        client.destroy();
        return;
      case 'refused':
        send(handling.answer);
        return;
      case 'passed-on':
        nameserver ??= new NameserverSide(client, connectNameserver);
        nameserver.write(frame(message));
        return;
      case 'answered':
        inFlight += 1;
        void handling.answer.then((answer) => {
          inFlight -= 1;
          send(answer);
          proceed();
        });
    }
  };

  client.setTimeout(IDLE_TIMEOUT_MS, () => {
    if (inFlight === 0) client.destroy();
  });
  client.on('data', (chunk) => {
    waiting.push(...splitter.push(chunk));
    proceed();
  });
  client.on('end', () => {
    hasEnded = true;
    proceed();
  });
}

/**
 * One client's connection to the nameserver that it has asked: what is passed on keeps its ids and its order, also where
 * an answer is many messages (RFC 5936). Ends with the client, and the client with it.
 */
class NameserverSide {
  readonly #client: Socket;
  readonly #splitter = new MessageSplitter();
  /** What is to be sent before there is a connection: no more than a client may have in flight. */
  readonly #early: Buffer[] = [];
  #socket: Socket | undefined;
  #hasEnded = false;

  constructor(client: Socket, connect: () => Promise<Socket>) {
    this.#client = client;
    connect().then(
      (socket) => this.#attach(socket),
      () => client.destroy(),
    );
  }

  write(bytes: Buffer): void {
    const isTooMuch =
      this.#early.length >= MAX_IN_FLIGHT || (this.#socket?.writableLength ?? 0) > MAX_UNREAD_BYTES;
    // A nameserver that does not read, or cannot be reached yet.
    if (isTooMuch) this.#client.destroy();
    else if (this.#socket === undefined) this.#early.push(bytes);
    else this.#socket.write(bytes);
  }

  /** No more is to be sent. Idempotent. */
  end(): void {
    this.#hasEnded = true;
    this.#socket?.end();
  }

  #attach(socket: Socket): void {
    const client = this.#client;
    this.#socket = socket;
    if (client.destroyed) {
      socket.resetAndDestroy();
      return;
    }
    socket.on('data', (chunk: Buffer) => {
      let isTaken = true;
      for (const message of this.#splitter.push(chunk)) {
        if (client.writable) isTaken = client.write(frame(message));
      }
      if (!isTaken) socket.pause();
    });
    client.on('drain', () => socket.resume());
    socket.on('end', () => client.end());
    socket.on('close', () => client.destroySoon());
    // With a reset, so that its port is free at once: all that was wanted has been answered.
    client.on('close', () => socket.resetAndDestroy());
    for (const bytes of this.#early.splice(0)) socket.write(bytes);
    if (this.#hasEnded) socket.end();
  }
}

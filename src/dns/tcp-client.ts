import type { Socket } from 'node:net';
import { readQuery } from './message.ts';
import { frame, MessageSplitter } from './message-splitter.ts';
import type { Responder } from './responder.ts';

/** Queries of one client that have no answer yet; then nothing more is read until some have. */
const MAX_IN_FLIGHT = 100;

/** Seconds are enough for a client to send its next query (RFC 7766 section 6.2.3). */
const IDLE_TIMEOUT_MS = 10_000;

/** A client that does not read its answers. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/** Answers the queries of one TCP client, each as soon as it is known, until the client ends or is idle. Owns the socket. */
export function serveTcpClient(client: Socket, responder: Responder): void {
  const splitter = new MessageSplitter();
  const waiting: Buffer[] = [];
  let inFlight = 0;
  let hasEnded = false;

  const send = (answer: Buffer): void => {
    if (client.writableLength > MAX_UNREAD_BYTES) client.destroy();
    else if (client.writable) client.write(frame(answer));
  };
  const proceed = (): void => {
    while (inFlight < MAX_IN_FLIGHT) {
      const message = waiting.shift();
      if (message === undefined) break;
      take(message);
    }
    if (waiting.length > 0) client.pause();
    else client.resume();
    if (hasEnded && waiting.length === 0 && inFlight === 0) client.end();
  };
  const take = (message: Buffer): void => {
    const received = readQuery(message);
    // Whoever sends answers here does not speak DNS as a client.
    if (received.kind === 'ignored') client.destroy();
    if (received.kind === 'refused') send(received.answer);
    if (received.kind !== 'query') return;
    inFlight += 1;
    void responder.respond(received.query).then((answer) => {
      inFlight -= 1;
      send(answer);
      proceed();
    });
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

import type { Socket } from 'node:net';
import { type Deferred, deferred } from '../../core/deferred.ts';
import { type Decode, MAX_MESSAGE_BYTES } from './socks-messages.ts';

/** The client went, was too slow, or does not speak the protocol. */
export class HandshakeFailure extends Error {
  override readonly name = 'HandshakeFailure';
}

/**
 * Reads messages from the beginning of a connection, and gives the socket on as it takes it, paused, with the bytes that came
 * after them put back.
 */
export class HandshakeReader {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #bytes = Buffer.alloc(0);
  #failure: HandshakeFailure | undefined;
  #waiting: Deferred<void> | undefined;

  readonly #onData = (bytes: Buffer): void => {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    // One message at a time, and no more than that is kept: the rest waits in the stream.
    this.#socket.pause();
    this.#waiting?.resolve();
  };
  readonly #onGone = (): void => this.#fail('the client went during the handshake');

  /** @param timeoutMs for all messages together */
  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#fail(`no request within ${timeoutMs / 1_000} s`), timeoutMs);
    socket.on('data', this.#onData).on('end', this.#onGone).on('close', this.#onGone);
  }

  /** The next message. @throws HandshakeFailure */
  async next<T>(decode: Decode<T>): Promise<T> {
    for (;;) {
      const decoded = decode(this.#bytes);
      if (decoded.kind === 'message') {
        this.#bytes = this.#bytes.subarray(decoded.length);
        return decoded.message;
      }
      if (decoded.kind === 'invalid') throw new HandshakeFailure(decoded.what);
      if (this.#bytes.length > MAX_MESSAGE_BYTES) throw new HandshakeFailure('a message without an end');
      await this.#more();
    }
  }

  /** Stops reading; the socket is as `Flow.accepted` is. Once. */
  release(): void {
    clearTimeout(this.#timer);
    this.#socket.off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone);
    this.#socket.pause();
    if (this.#bytes.length > 0 && !this.#socket.destroyed) this.#socket.unshift(this.#bytes);
  }

  async #more(): Promise<void> {
    this.#throwIfFailed();
    this.#waiting = deferred();
    this.#socket.resume();
    await this.#waiting.promise;
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(why: string): void {
    this.#failure ??= new HandshakeFailure(why);
    this.#waiting?.resolve();
  }
}

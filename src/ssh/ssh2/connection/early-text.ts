import type { Socket } from 'node:net';

const LIMIT_BYTES = 2048;

/** What a bastion sends before it names its version (RFC 4253 section 4.2), for the error where that never comes. */
export class EarlyText {
  readonly #socket: Socket;
  readonly #onVersion: () => void;
  #text = '';

  /**
   * Reads along from now on, and so sets a socket flowing that nobody has paused.
   *
   * @param onVersion called when the version has come
   */
  constructor(socket: Socket, onVersion: () => void) {
    this.#socket = socket;
    this.#onVersion = onVersion;
    socket.on('data', this.#take);
  }

  /** Empty when the version has come. */
  get text(): string {
    return this.#text;
  }

  /** Ends the reading along. Idempotent. */
  stop(): void {
    this.#socket.off('data', this.#take);
  }

  readonly #take = (chunk: Buffer): void => {
    this.#text += chunk.toString('latin1', 0, LIMIT_BYTES);
    const version = /^SSH-/m.test(this.#text);
    if (!version && this.#text.length < LIMIT_BYTES) return;
    this.stop();
    if (!version) return;
    this.#text = '';
    this.#onVersion();
  };
}

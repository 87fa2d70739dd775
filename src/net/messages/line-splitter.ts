import { GrammarError } from './field-reader.ts';

const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines, each of at most `maxBytes`.
 *
 * Bytes wait as they came until their line is whole, so a long line costs no copying per chunk.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(maxBytes: number, onLine: (line: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
  }

  /**
   * Takes the next bytes, and hands every line that they complete to `onLine`, without its newline.
   *
   * @throws GrammarError when a line is too long, whether or not it ends
   */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      start = end + 1;
      const line = Buffer.concat(this.#pending, this.#pendingBytes).toString('utf8');
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#onLine(line);
    }
    this.#add(chunk.subarray(start));
  }

  #add(part: Uint8Array): void {
    this.#pendingBytes += part.length;
    if (this.#pendingBytes > this.#maxBytes) {
      throw new GrammarError(`a line is longer than ${this.#maxBytes} bytes`);
    }
    if (part.length > 0) this.#pending.push(part);
  }
}

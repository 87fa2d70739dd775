import type { Readable } from 'node:stream';
import type { Logger } from '../core/log.ts';
import { printableLine } from './server-text.ts';

/** Longer lines are cut. */
const MAX_LINE_BYTES = 1024;

/** What is logged of one command; it goes on being read. */
const MAX_LINES = 200;

/** Logs what a command says on its standard error, line by line and within bounds, and remembers the last line. */
export class CommandOutput {
  readonly #name: string;
  readonly #logger: Logger;
  #pending = Buffer.alloc(0);
  #lines = 0;
  #lastLine: string | undefined;

  /** @param name what the lines are logged as being from */
  constructor(name: string, stream: Readable, logger: Logger) {
    this.#name = name;
    this.#logger = logger;
    stream.on('error', () => {});
    stream.on('data', (bytes: Buffer) => this.#take(bytes));
    stream.on('end', () => this.#say(this.#pending));
  }

  /** The last line that was not empty. */
  get lastLine(): string | undefined {
    return this.#lastLine;
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      this.#say(Buffer.concat([this.#pending, rest.subarray(0, end)]));
      this.#pending = Buffer.alloc(0);
      rest = rest.subarray(end + 1);
    }
    const room = MAX_LINE_BYTES - this.#pending.length;
    if (room > 0) this.#pending = Buffer.concat([this.#pending, rest.subarray(0, room)]);
  }

  #say(line: Buffer): void {
    const text = printableLine(line.subarray(0, MAX_LINE_BYTES).toString());
    if (text === '') return;
    this.#lastLine = text;
    this.#lines += 1;
    if (this.#lines <= MAX_LINES) this.#logger.info(`${this.#name}: ${text}`);
    else if (this.#lines === MAX_LINES + 1) this.#logger.info(`${this.#name}: more, which is not shown`);
  }
}

import type { Readable } from 'node:stream';
import type { Logger } from '../../core/log.ts';
import { printableLine } from '../../core/printable.ts';

/** Longer lines are cut. */
const MAX_LINE_BYTES = 1024;

/** What is logged of one command; it goes on being read. */
const MAX_LINES = 200;

/** What is remembered of the end. */
const MAX_LAST_LINES = 30;

/** Logs what a command says on its standard error, line by line and within bounds, and remembers the last lines. */
export class CommandOutput {
  readonly #name: string;
  readonly #logger: Logger;
  readonly #isHandled: (line: string) => boolean;
  #pending = Buffer.alloc(0);
  #lines = 0;
  #lastLines: string[] = [];

  /**
   * @param name what the lines are logged as being from
   * @param isHandled asked for each line; one that is taken is neither logged nor remembered
   */
  constructor(
    name: string,
    stream: Readable,
    logger: Logger,
    isHandled: (line: string) => boolean = () => false,
  ) {
    this.#name = name;
    this.#isHandled = isHandled;
    this.#logger = logger;
    stream.on('error', () => {});
    stream.on('data', (bytes: Buffer) => this.#onData(bytes));
    stream.on('end', () => this.#logLine(this.#pending));
  }

  /** The last line that was not empty. */
  get lastLine(): string | undefined {
    return this.#lastLines.at(-1);
  }

  /** The last lines that were not empty, the oldest first. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  #onData(bytes: Buffer): void {
    let rest = bytes;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      this.#logLine(Buffer.concat([this.#pending, rest.subarray(0, end)]));
      this.#pending = Buffer.alloc(0);
      rest = rest.subarray(end + 1);
    }
    const room = MAX_LINE_BYTES - this.#pending.length;
    if (room > 0) this.#pending = Buffer.concat([this.#pending, rest.subarray(0, room)]);
  }

  #logLine(line: Buffer): void {
    const text = printableLine(line.subarray(0, MAX_LINE_BYTES).toString());
    if (text === '' || this.#isHandled(text)) return;
    this.#lastLines = [...this.#lastLines, text].slice(-MAX_LAST_LINES);
    this.#lines += 1;
    if (this.#lines <= MAX_LINES) this.#logger.info(`${this.#name}: ${text}`);
    else if (this.#lines === MAX_LINES + 1) this.#logger.info(`${this.#name}: more, which is not shown`);
  }
}

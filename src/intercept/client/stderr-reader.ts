import type { Logger } from '../../core/log.ts';
import { LineSplitter } from '../../net/messages/line-splitter.ts';
import { decodeLogLine } from './decode-reply.ts';

/** Longer lines are not ours, and not shown. */
const MAX_LINE_BYTES = 64 * 1024;

/** sudo marks some of its lines, and says in others who may not run it. */
const SUDO_LINE = /^(?:sudo: |Sorry, |This incident )|sudoers|is not allowed to run sudo/;

/** sudo's lecture and a few failures; a helper that floods its log must not flood ours. */
const MAX_LINES = 1_000;

/** Re-logs the helper's stderr: its own lines at the level they carry, what a library or Node.js prints as warnings. */
export class StderrReader {
  readonly #logger: Logger;
  readonly #lines = new LineSplitter(MAX_LINE_BYTES, (line) => this.#take(line));
  #count = 0;
  #isBroken = false;
  /** The latest error that the helper has logged. */
  lastError: string | undefined;
  /** What sudo has said, word for word, the latest last. */
  readonly sudoLines: string[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  push(chunk: Uint8Array): void {
    if (this.#isBroken) return;
    try {
      this.#lines.push(chunk);
    } catch {
      this.#isBroken = true;
    }
  }

  #take(text: string): void {
    this.#count += 1;
    if (this.#count > MAX_LINES || text.trim() === '') return;
    const line = decodeLogLine(text);
    if (line === undefined) {
      this.#takeForeign(text.trim());
      return;
    }
    if (line.level === 'error') this.lastError = line.message;
    this.#logger[line.level](`helper: ${line.message}`);
  }

  /** What sudo says is part of the error when it refuses; when it does not, it is noise (unable to resolve host ...). */
  #takeForeign(text: string): void {
    if (!SUDO_LINE.test(text)) {
      this.#logger.warn(text);
      return;
    }
    this.sudoLines.push(text);
    this.#logger.debug(text);
  }
}

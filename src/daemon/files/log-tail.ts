import { closeSync, fstatSync, readSync, statSync } from 'node:fs';
import { openRegularFile } from '../../core/files/regular-file.ts';
import { LineSplitter } from '../../net/messages/line-splitter.ts';

/** How far back from the end the last lines are looked for, in bytes. */
const TAIL_BYTES = 1_048_576;
const CHUNK_BYTES = 65_536;
/** Longer than any line that is logged. */
const MAX_LINE_BYTES = 1_048_576;

/** Reads a log file of a daemon from its end on, also when it is put aside for a new one. */
export class LogTail {
  readonly #path: string;
  readonly #onLine: (line: string) => void;
  #lines: LineSplitter;
  #descriptor: number | undefined;
  #position = 0;

  /** @param onLine takes each line, without its newline */
  constructor(path: string, onLine: (line: string) => void) {
    this.#path = path;
    this.#onLine = onLine;
    this.#lines = new LineSplitter(MAX_LINE_BYTES, onLine);
  }

  /** Hands over the last lines. False when there is no such file yet; {@link LogTail.poll} looks for it again. */
  readLast(count: number): boolean {
    if (!this.#open()) return false;
    const size = fstatSync(this.#descriptor!).size;
    this.#position = Math.max(0, size - TAIL_BYTES);
    const isCut = this.#position > 0;
    const lines: string[] = [];
    this.#lines = new LineSplitter(MAX_LINE_BYTES, (line) => lines.push(line));
    this.#readOn();
    for (const line of (isCut ? lines.slice(1) : lines).slice(-count)) this.#onLine(line);
    this.#lines = new LineSplitter(MAX_LINE_BYTES, this.#onLine);
    return true;
  }

  /** Hands over what has been written since. */
  poll(): void {
    if (this.#descriptor === undefined && !this.#open()) return;
    this.#readOn();
    const there = statSync(this.#path, { throwIfNoEntry: false });
    const ours = fstatSync(this.#descriptor!);
    const wasReplaced = there !== undefined && (there.ino !== ours.ino || there.dev !== ours.dev);
    if (!wasReplaced && ours.size >= this.#position) return;
    // Another file has its name now, or it was emptied: that begins with its first line.
    this.close();
    if (this.#open()) this.#readOn();
  }

  /** Idempotent. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): boolean {
    try {
      this.#descriptor = openRegularFile(this.#path, 'read');
    } catch {
      return false;
    }
    this.#position = 0;
    this.#lines = new LineSplitter(MAX_LINE_BYTES, this.#onLine);
    return true;
  }

  #readOn(): void {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const length = readSync(this.#descriptor!, chunk, 0, chunk.length, this.#position);
      if (length === 0) return;
      this.#position += length;
      this.#lines.push(Buffer.from(chunk.subarray(0, length)));
    }
  }
}

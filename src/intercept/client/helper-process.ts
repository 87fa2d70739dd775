import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { deferred } from '../../core/deferred.ts';
import { messageOf, type TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { LineSplitter } from '../../net/messages/line-splitter.ts';
import { MAX_REPLY_BYTES } from '../protocol/protocol.ts';
import { cannotRunError, type HelperExit, protocolError, rulesLeftError } from './client-errors.ts';
import { helperEnvironment } from './command.ts';
import { StderrReader } from './stderr-reader.ts';

/** Twice what one tool may take; see UNDO_TIMEOUT_MS in main.ts, after which the helper ends anyway. */
const CLOSE_TIMEOUT_MS = 50_000;

/** After SIGTERM a helper that still does not end is stuck in the kernel, or sudo may not be signalled by us. */
const CLOSE_GRACE_MS = 2_000;

/** Ended by 71: it could not remove its rules. */
const EXIT_RULES_LEFT = 71;

/** Who is told of what a {@link HelperProcess} does. */
interface HelperEvents {
  /** What it throws is taken for a breach of the protocol. */
  onLine(line: string): void;
  /** It cannot be run, or not be understood; it may still run. */
  onBroken(error: TshuttleError): void;
  onEnded(exit: HelperExit): void;
}

/** The helper as a process, perhaps with sudo around it: its lines, its log, its end. */
export class HelperProcess {
  readonly stderr: StderrReader;
  readonly isThroughSudo: boolean;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited = deferred<HelperExit>();

  /** @param command argv, run without a shell */
  constructor(command: readonly string[], logger: Logger, events: HelperEvents) {
    this.stderr = new StderrReader(logger);
    const [file = '', ...argv] = command;
    this.isThroughSudo = file.endsWith('/sudo');
    this.#child = spawn(file, argv, {
      shell: false,
      cwd: '/',
      env: helperEnvironment(process.env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#listen(file, events);
  }

  write(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Makes a helper that still runs undo its rules and end. Idempotent. */
  endInput(): void {
    this.#child.stdin.end();
  }

  /** Ends a start that failed: sudo may still be asking, and is ours to end then. */
  abandon(): void {
    this.#child.stdin.destroy();
    this.#child.kill('SIGTERM');
  }

  /**
   * Has it undo its rules, and waits until it has ended.
   *
   * @throws TshuttleError ERR_CLEANUP when it could not remove them
   */
  async close(): Promise<void> {
    this.endInput();
    const stuck = deferred<'stuck'>();
    const terminate = setTimeout(() => this.#child.kill('SIGTERM'), CLOSE_TIMEOUT_MS);
    const giveUp = setTimeout(() => stuck.resolve('stuck'), CLOSE_TIMEOUT_MS + CLOSE_GRACE_MS);
    const end = await Promise.race([this.#exited.promise, stuck.promise]);
    clearTimeout(terminate);
    clearTimeout(giveUp);
    if (end === 'stuck') throw rulesLeftError('the helper does not end');
    if (end.status === EXIT_RULES_LEFT) throw rulesLeftError(this.stderr.lastError ?? 'no reason given');
  }

  #listen(file: string, events: HelperEvents): void {
    const child = this.#child;
    const lines = new LineSplitter(MAX_REPLY_BYTES, (line) => events.onLine(line));
    child.stdout.on('data', (chunk: Buffer) => {
      try {
        lines.push(chunk);
      } catch (error) {
        events.onBroken(protocolError(messageOf(error), error));
      }
    });
    child.stdout.on('error', (error) => events.onBroken(protocolError(error.message, error)));
    child.stderr.on('error', () => {}); // only the log loses by it
    child.stderr.on('data', (chunk: Buffer) => this.stderr.push(chunk));
    child.stdin.on('error', () => {}); // the helper has ended; 'close' says how
    child.on('error', (error) => {
      if (child.pid !== undefined) return; // sudo may not be signalled by us; its end is what counts
      events.onBroken(cannotRunError(file, error));
      this.#exited.resolve({ status: null, signal: null });
    });
    child.on('close', (status, signal) => {
      this.#exited.resolve({ status, signal });
      events.onEnded({ status, signal });
    });
  }
}

import type { ProcessContext } from '../../app/process-context.ts';
import { type Key, KeyReader } from './keys.ts';

/** ECMA-48 and xterm: another screen without a cursor, which leaves the user's own as it is; then that one again. */
const HIDE_CURSOR = '\x1b[?25l';
const OPEN_SCREEN = `\x1b[?1049h${HIDE_CURSOR}`;
const CLOSE_SCREEN = '\x1b[?25h\x1b[?1049l';

/**
 * From the top, each line in place of the one before, and the rest of the screen cleared. A line is cleared before it is written: behind
 * one that is as wide as the screen, xterm would clear its last character. Between the two marks (DEC mode 2026) a terminal that knows them
 * shows nothing half drawn.
 */
function redrawn(lines: readonly string[]): string {
  return `\x1b[?2026h\x1b[H${lines.map((line) => `\x1b[K${line}`).join('\n')}\x1b[J\x1b[?2026l`;
}

/** Whether a screen can be drawn over and over: not in a pipe, and not on a terminal that moves no cursor. */
export function canDraw(environment: ProcessContext['environment']): boolean {
  return process.stdout.isTTY === true && environment['TERM'] !== 'dumb';
}

/** What happens on a {@link LiveScreen}. */
interface ScreenHandlers {
  /** A key, Ctrl-C too, which is no signal here; not Ctrl-Z, which suspends. None comes where standard input is no terminal. */
  readonly onKey: (key: Key) => void;
  /** Another size, or somebody else has written on it: to be drawn anew. */
  readonly onChanged: () => void;
  /** The terminal is gone. */
  readonly onGone: () => void;
}

/**
 * The terminal, taken over until it is closed: a screen of its own, read key by key. It is given back on every way out that a process can
 * see, also while it is suspended; failures that are reported meanwhile are told on the user's own screen, when it is closed.
 */
export class LiveScreen {
  readonly #handlers: ScreenHandlers;
  readonly #context: Pick<ProcessContext, 'reportFailure'>;
  readonly #reportFailure: ProcessContext['reportFailure'];
  readonly #failures: unknown[] = [];
  readonly #keys = new KeyReader((key) => this.#onKey(key));
  #isTaken = false;

  constructor(context: Pick<ProcessContext, 'reportFailure'>, handlers: ScreenHandlers) {
    this.#handlers = handlers;
    this.#context = context;
    this.#reportFailure = context.reportFailure;
    context.reportFailure = (thrown) => void this.#failures.push(thrown);
    const { stdin, stdout } = process;
    if (this.readsKeys)
      stdin.on('data', this.#onInput).on('end', handlers.onGone).on('error', handlers.onGone);
    stdout.on('resize', handlers.onChanged);
    process.on('exit', this.#onExit).on('SIGTSTP', this.#suspend).on('SIGCONT', this.#resume);
    this.#take();
  }

  get readsKeys(): boolean {
    return process.stdin.isTTY === true;
  }

  /** Lines that fit. A terminal that has not taken the last screen yet gets the next one instead of all between. */
  draw(lines: readonly string[]): void {
    if (this.#isTaken && process.stdout.writableLength === 0) process.stdout.write(redrawn(lines));
  }

  /** Gives the terminal to the shell until the user wants it back; what Ctrl-Z does where it is a signal. */
  readonly #suspend = (): void => {
    this.#giveBack();
    process.off('SIGTSTP', this.#suspend);
    // All of the job, as the terminal would. It returns when the job goes on; at once where no shell could make it go on (setpgid(2)).
    process.kill(0, 'SIGTSTP');
    process.on('SIGTSTP', this.#suspend);
    this.#take();
    this.#handlers.onChanged();
  };

  /** Idempotent. */
  close(): void {
    const { stdin, stdout } = process;
    this.#giveBack();
    this.#keys.close();
    stdin.off('data', this.#onInput).off('end', this.#handlers.onGone).pause();
    stdout.off('resize', this.#handlers.onChanged);
    process.off('exit', this.#onExit).off('SIGTSTP', this.#suspend).off('SIGCONT', this.#resume);
    this.#context.reportFailure = this.#reportFailure;
    for (const failure of this.#failures.splice(0)) this.#reportFailure(failure);
  }

  /** What ends the process without asking: a bug, or an end that took too long. */
  readonly #onExit = (): void => this.close();

  readonly #onInput = (chunk: Buffer): void => this.#keys.push(chunk);

  #onKey(key: Key): void {
    // Windows has no such signal.
    if (key === 'ctrl-z' && process.platform !== 'win32') this.#suspend();
    else this.#handlers.onKey(key);
  }

  #take(): void {
    if (this.readsKeys) process.stdin.setRawMode(true).resume();
    process.stdout.write(OPEN_SCREEN);
    this.#isTaken = true;
  }

  readonly #giveBack = (): void => {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    process.stdout.write(CLOSE_SCREEN);
    if (this.readsKeys) process.stdin.setRawMode(false);
  };

  /** It was stopped by a signal that nobody can see (SIGSTOP), and the shell has had the terminal meanwhile. */
  readonly #resume = (): void => {
    if (!this.#isTaken) return;
    // Set anew: what it was set to is forgotten only by the terminal.
    if (this.readsKeys) process.stdin.setRawMode(false).setRawMode(true);
    process.stdout.write(HIDE_CURSOR);
    this.#handlers.onChanged();
  };
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../process/child.ts';
import { until } from '../process/until.ts';
import type { Lab } from './lab.ts';

/** What a terminal shows at one moment. */
export interface Capture {
  /** A line for each row, with the escape sequences of its colours. */
  readonly lines: readonly string[];
  /** Undefined where a program has hidden it. Counted from 0. */
  readonly cursor: { readonly column: number; readonly row: number } | undefined;
}

/** What can be chosen about a terminal. */
export interface TerminalOptions {
  /** Tells several of a lab apart. */
  readonly name?: string;
  readonly rows?: number;
  readonly shell?: readonly string[];
  /** Added to the environment of the client's root. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A real terminal of 80 columns in the lab's client: tmux draws it, and tells what is on it. */
export class TmuxTerminal implements AsyncDisposable {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open(lab: Lab, options: TerminalOptions = {}): Promise<TmuxTerminal> {
    const { name = 'terminal', rows = 24, shell = ['sh'], env = {} } = options;
    const socket = join(lab.directory, `tmux-${name}`);
    const size = ['-x', '80', '-y', String(rows)];
    const argv = [
      'tmux',
      '-S',
      socket,
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      ...size,
      ...shell,
      ';',
      'set',
      'status',
      'off',
    ];
    // Its server stays in the client's namespaces, and so does what is typed.
    await lab.client.must(argv, { env });
    return new TmuxTerminal(socket);
  }

  /** Types a line and Enter. */
  async type(line: string): Promise<void> {
    await this.write(line);
    await this.press('Enter');
  }

  /** Types text as it is. */
  async write(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text);
  }

  /** Presses a key by tmux's name for it. */
  async press(key: string): Promise<void> {
    await this.#tmux('send-keys', key);
  }

  /** Makes it larger or smaller, as a user does by its window. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** The process that runs in it now: the last of those that have one child each, from the shell that tmux has started. */
  async pid(): Promise<number> {
    let pid = Number(await this.#tmux('display-message', '-p', '#{pane_pid}'));
    for (let child = pid; child > 0; ) {
      pid = child;
      child = Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'));
    }
    return pid;
  }

  /** What is on it, without colours. */
  async text(): Promise<string> {
    return await this.#tmux('capture-pane', '-p');
  }

  /** What is on it, with colours. */
  async capture(): Promise<Capture> {
    const where = '#{cursor_x} #{cursor_y} #{cursor_flag}';
    const lines = (
      await this.#tmux('capture-pane', '-e', '-N', '-p', ';', 'display-message', '-p', where)
    ).split('\n');
    const [column = 0, row = 0, isVisible = 0] = lines.splice(-2)[0]!.split(' ').map(Number);
    return { lines, cursor: isVisible === 1 ? { column, row } : undefined };
  }

  /** Waits until what is on it matches. */
  async shows(pattern: RegExp): Promise<void> {
    let text = '';
    await until(
      async () => {
        text = await this.text();
        return pattern.test(text);
      },
      { deadlineMs: 20_000, what: () => `${pattern} on the screen:\n${text}` },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server');
  }

  async #tmux(...words: readonly string[]): Promise<string> {
    return await mustRun(['tmux', '-S', this.#socket, ...words]);
  }
}

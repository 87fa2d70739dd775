import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../process/child.ts';
import { until } from '../process/until.ts';

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
  readonly columns?: number;
  readonly rows?: number;
  readonly shell?: readonly string[];
  /** Added to the environment of the client's root; on this machine, all of it. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Where a terminal is opened: a lab's client, or this machine. */
interface Place {
  /** For the socket of tmux. */
  readonly directory: string;
  readonly client: {
    must(
      argv: readonly string[],
      options: { readonly env: Readonly<Record<string, string>> },
    ): Promise<unknown>;
  };
}

/** A real terminal, of 80 by 24 unless told otherwise: tmux draws it, and tells what is on it. */
export class TmuxTerminal implements AsyncDisposable {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open(place: Place, options: TerminalOptions = {}): Promise<TmuxTerminal> {
    const { name = 'terminal', columns = 80, rows = 24, shell = ['sh'], env = {} } = options;
    const socket = join(place.directory, `tmux-${name}`);
    const size = ['-x', String(columns), '-y', String(rows)];
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
    await place.client.must(argv, { env });
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

  /** What was ever on it: row by row, without what the terminal itself has broken, and with colours. */
  async everything(): Promise<{
    readonly rows: readonly string[];
    readonly lines: readonly string[];
    readonly coloured: string;
  }> {
    const all = ['capture-pane', '-p', '-S', '-'];
    const linesOf = (text: string): string[] =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => line.trimEnd());
    const rows = linesOf(await this.#tmux(...all));
    return { rows, lines: linesOf(await this.#tmux(...all, '-J')), coloured: await this.#tmux(...all, '-e') };
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

  /** Waits until what runs in it has said `tmux wait-for -S NAME`, without looking at it again and again. */
  async said(name: string): Promise<void> {
    await this.#tmux('wait-for', name);
  }

  /** Waits until what is on it matches. @returns what is on it then */
  async shows(pattern: RegExp): Promise<string> {
    let text = '';
    await until(
      async () => {
        text = await this.text();
        return pattern.test(text);
      },
      { deadlineMs: 20_000, what: () => `${pattern} on the screen:\n${text}` },
    );
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server');
  }

  async #tmux(...words: readonly string[]): Promise<string> {
    return await mustRun(['tmux', '-S', this.#socket, ...words]);
  }
}

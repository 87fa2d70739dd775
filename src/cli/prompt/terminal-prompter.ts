import { closeSync, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { Prompter } from '../../ssh/prompter.ts';
import { progressLine } from '../rendering/progress-line.ts';
import { type LineEdit, LineEditor } from './line-editor.ts';

const TERMINAL = '/dev/tty';

/** A terminal while one question is open. */
interface OpenTerminal {
  readonly input: ReadStream;
  write(text: string): void;
  close(): void;
}

/**
 * Asks on the terminal that controls this process, whatever standard input and output are. It is opened for each
 * question only, and is back in its former mode when the question is over.
 *
 * On Windows a console has no name that Node.js opens: there it is standard input and standard error, where both are one.
 */
export class TerminalPrompter implements Prompter {
  readonly mayAskAgain = true;
  readonly #interrupt: () => void;
  #latest: Promise<unknown> = Promise.resolve();

  /** @param interrupt called when the user types Ctrl-C: the terminal sends no signal while a question is open */
  constructor(interrupt: () => void) {
    this.#interrupt = interrupt;
  }

  get available(): boolean {
    if (process.platform === 'win32') return process.stdin.isTTY === true && process.stderr.isTTY === true;
    try {
      closeSync(openSync(TERMINAL, 'r+'));
      return true;
    } catch {
      // ENXIO: no terminal controls this process.
      return false;
    }
  }

  /** One question after the other: two at once could not be told apart. */
  ask(question: string, options: { readonly echo: boolean }): Promise<string | undefined> {
    const answer = this.#latest.then(() => this.#ask(question, options.echo));
    this.#latest = answer.catch(() => {});
    return answer;
  }

  show(text: string): void {
    progressLine.erase();
    const line = text.endsWith('\n') ? text : `${text}\n`;
    if (process.platform === 'win32') {
      if (this.available) process.stderr.write(line);
      return;
    }
    try {
      const descriptor = openSync(TERMINAL, 'w');
      try {
        writeSync(descriptor, line);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      // Nobody is there to read it.
    }
  }

  async #ask(question: string, echo: boolean): Promise<string | undefined> {
    if (!this.available) return undefined;
    const terminal = process.platform === 'win32' ? openConsole() : openTerminal();
    progressLine.hold();
    try {
      terminal.input.setRawMode(true);
      terminal.write(question.endsWith(' ') ? question : `${question} `);
      return await this.#readLine(terminal.input, echo ? terminal.write : () => {});
    } finally {
      terminal.input.setRawMode(false);
      terminal.write('\n');
      terminal.close();
      progressLine.release();
    }
  }

  #readLine(input: ReadStream, echo: (text: string) => void): Promise<string | undefined> {
    const editor = new LineEditor();
    return new Promise((resolve) => {
      const onData = (typed: string): void => {
        const edit = editor.type(typed);
        echo(edit.echo);
        if (edit.kind !== 'more') finish(edit);
      };
      // The terminal went away.
      const onEnd = (): void => finish({ kind: 'end', echo: '' });
      const finish = (edit: LineEdit): void => {
        // A console outlives the question.
        input.off('data', onData).off('error', onEnd).off('end', onEnd);
        if (edit.kind === 'interrupted') this.#interrupt();
        resolve(edit.kind === 'line' ? edit.text : undefined);
      };
      input.setEncoding('utf8');
      input.on('data', onData).on('error', onEnd).on('end', onEnd);
      // A console was paused after the question before, and a listener alone does not have it read again (Node.js, stream.Readable).
      input.resume();
    });
  }
}

function openTerminal(): OpenTerminal {
  const output = openSync(TERMINAL, 'w');
  const input = new ReadStream(openSync(TERMINAL, 'r'));
  input.on('error', () => {});
  return {
    input,
    write: (text) => void writeSync(output, text),
    close: () => {
      input.destroy();
      closeSync(output);
    },
  };
}

/** What is not read any more is for whoever comes next: the next question, or the command of `run`. */
function openConsole(): OpenTerminal {
  const { stdin: input, stderr: output } = process;
  if (input.listenerCount('error') === 0) input.on('error', () => {});
  return { input, write: (text) => void output.write(text), close: () => void input.pause() };
}

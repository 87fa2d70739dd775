import { closeSync, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { Prompter } from '../../ssh/prompter.ts';
import { type LineEdit, LineEditor } from './line-editor.ts';

const TERMINAL = '/dev/tty';

/**
 * Asks on the terminal that controls this process, whatever standard input and output are. It is opened for each
 * question only, and is back in its former mode when the question is over.
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
    try {
      const descriptor = openSync(TERMINAL, 'w');
      try {
        writeSync(descriptor, text.endsWith('\n') ? text : `${text}\n`);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      // Nobody is there to read it.
    }
  }

  async #ask(question: string, echo: boolean): Promise<string | undefined> {
    if (!this.available) return undefined;
    const output = openSync(TERMINAL, 'w');
    const input = new ReadStream(openSync(TERMINAL, 'r'));
    try {
      input.setRawMode(true);
      writeSync(output, question.endsWith(' ') ? question : `${question} `);
      return await this.#readLine(input, echo ? (text) => void writeSync(output, text) : () => {});
    } finally {
      input.setRawMode(false);
      input.destroy();
      writeSync(output, '\n');
      closeSync(output);
    }
  }

  #readLine(input: ReadStream, echo: (text: string) => void): Promise<string | undefined> {
    const editor = new LineEditor();
    return new Promise((resolve) => {
      const finish = (edit: LineEdit): void => {
        if (edit.kind === 'interrupted') this.#interrupt();
        resolve(edit.kind === 'line' ? edit.text : undefined);
      };
      input.setEncoding('utf8');
      input.on('data', (typed: string) => {
        const edit = editor.type(typed);
        echo(edit.echo);
        if (edit.kind !== 'more') finish(edit);
      });
      // The terminal went away.
      input.on('error', () => finish({ kind: 'end', echo: '' }));
      input.on('end', () => finish({ kind: 'end', echo: '' }));
    });
  }
}

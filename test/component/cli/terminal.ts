import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '../../support/process/until.ts';

/** A command on a terminal of its own, by script(1), which every Debian has (bsdutils). */
export class Terminal implements AsyncDisposable {
  readonly #script: ChildProcess;
  #output = '';

  constructor(argv: readonly string[], environment: Readonly<Record<string, string>>) {
    const command = argv.map((word) => `'${word}'`).join(' ');
    this.#script = spawn(
      '/usr/bin/script',
      ['--quiet', '--return', '--command', `exec ${command}`, '/dev/null'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { TERM: 'dumb', ...environment, SHELL: '/bin/sh' },
      },
    );
    this.#script.stdin?.on('error', () => {});
    this.#script.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
  }

  /** What the terminal shows. */
  get output(): string {
    return this.#output;
  }

  type(text: string): void {
    this.#script.stdin?.write(text);
  }

  async untilShown(text: string): Promise<void> {
    await until(() => this.#output.includes(text), {
      deadlineMs: 10_000,
      what: () => `${text} on the terminal, which shows: ${this.#output}`,
    });
  }

  /** Waits for the end of the command; the terminal is gone then. */
  async ended(): Promise<number | null> {
    if (this.#script.exitCode === null && this.#script.signalCode === null) await once(this.#script, 'close');
    return this.#script.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#script.kill('SIGKILL');
    await this.ended();
  }
}

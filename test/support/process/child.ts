import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './until.ts';

/** How a child process ended: one of the two is set. */
interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A finished command. */
export interface CommandResult extends ChildExit {
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command runs with. */
export interface CommandOptions {
  /** Replaces the whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is then closed; without it standard input is /dev/null. */
  readonly stdin?: string;
  /** Standard input stays open for {@link Child.write}. */
  readonly interactive?: boolean;
  /** SIGKILL after this time. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_CHARACTERS = 4_000_000;

/** A running child process whose output is collected. */
export class Child {
  readonly exited: Promise<CommandResult>;
  readonly #process: ChildProcess;
  readonly #argv: readonly string[];
  #stdout = '';
  #stderr = '';

  constructor(argv: readonly string[], options: CommandOptions = {}) {
    const [file = '', ...rest] = argv;
    this.#argv = argv;
    this.#process = spawn(file, rest, {
      stdio: [
        options.stdin === undefined && options.interactive !== true ? 'ignore' : 'pipe',
        'pipe',
        'pipe',
      ],
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-MAX_OUTPUT_CHARACTERS);
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_OUTPUT_CHARACTERS);
    });
    this.#process.stdin?.on('error', () => {}); // a child may end without reading
    if (options.stdin !== undefined) this.#process.stdin?.end(options.stdin);
    this.exited = this.#untilClosed();
    this.exited.catch(() => {}); // reported to whoever awaits it
  }

  /** The process id; for `ip netns exec` and friends, which exec, that of the command itself. */
  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`did not start: ${this.#argv.join(' ')}`);
    return this.#process.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Writes to the standard input of an interactive child. */
  write(text: string): void {
    this.#process.stdin?.write(text);
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#process.kill(signal);
  }

  /** Waits until standard output or error matches. Fails at once, showing the output, when the process ends before. */
  async untilOutput(pattern: RegExp, deadlineMs = 10_000): Promise<RegExpExecArray> {
    const state = () => `${this.#argv.join(' ')}\nstdout: ${this.#stdout}\nstderr: ${this.#stderr}`;
    return await until(
      () => {
        const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
        if (match !== null) return match;
        if (!this.isRunning) throw new Error(`ended before ${pattern} appeared: ${state()}`);
        return undefined;
      },
      { deadlineMs, what: () => `${pattern} in the output of ${state()}` },
    );
  }

  async #untilClosed(): Promise<CommandResult> {
    const [code, signal] = (await once(this.#process, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
  }
}

/** Runs a command to its end, whatever its exit status. */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = new Child(argv, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  try {
    return await child.exited;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a command that must succeed. */
export async function mustRun(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.code !== 0) {
    throw new Error(`${argv.join(' ')} ended with ${result.code ?? result.signal}: ${result.stderr}`);
  }
  return result.stdout;
}

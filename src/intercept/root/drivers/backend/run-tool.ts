import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { MAX_REASON_CHARACTERS } from '../../../protocol/protocol.ts';

/** What every child of the helper gets for an environment. */
export const TOOL_ENVIRONMENT = { LC_ALL: 'C', HOME: '/nonexistent' } as const;

/** iptables may wait 10 s for another program's lock (`-w 10`); the kernel itself answers within 1 s. */
const TOOL_TIMEOUT_MS = 20_000;

/** iptables-save of 100,000 rules of 100 bytes. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** How a tool ended. */
export type ToolResult =
  /** `errors`: what it said on standard error all the same. */
  | { readonly kind: 'done'; readonly output: string; readonly errors: string }
  | { readonly kind: 'refused'; readonly reason: string };

let keptOpen: readonly number[] = [];

/** Has every tool from now on hold one more descriptor of ours open, by whose end others see that it has ended. */
export function keepOpenInTools(descriptor: number | undefined): void {
  keptOpen = descriptor === undefined ? [] : [descriptor];
}

/**
 * Runs one tool to its end: no shell, an empty environment, bounded in time and output. Never rejects.
 *
 * @param path absolute, from `findTool`
 * @param input written to its standard input
 */
export function runTool(path: string, argv: readonly string[], input = ''): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = spawn(path, argv, {
      shell: false,
      env: TOOL_ENVIRONMENT,
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe', ...keptOpen],
      // In a session of its own, Ctrl-C on the terminal does not reach it halfway through.
      detached: true,
      timeout: TOOL_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    }) as ChildProcessWithoutNullStreams;
    const output: Buffer[] = [];
    let outputBytes = 0;
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      outputBytes += chunk.length;
      if (outputBytes <= MAX_OUTPUT_BYTES) output.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < MAX_REASON_CHARACTERS) errors += text;
    });
    child.stdin.on('error', () => {}); // a tool that refuses its arguments ends without reading
    child.on('error', (error) => resolve({ kind: 'refused', reason: `${path}: ${error.message}` }));
    child.on('close', (status, signal) => {
      if (status !== 0) {
        const ending = signal === null ? `status ${status}` : `signal ${signal}`;
        resolve({ kind: 'refused', reason: shorten(errors) || `${path} ended with ${ending}` });
      } else if (outputBytes > MAX_OUTPUT_BYTES) {
        resolve({ kind: 'refused', reason: `${path} printed more than ${MAX_OUTPUT_BYTES} bytes` });
      } else {
        resolve({ kind: 'done', output: Buffer.concat(output).toString('utf8'), errors });
      }
    });
    child.stdin.end(input);
  });
}

/** The beginning of an error text, on one line. */
export function shorten(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, ' | ')
    .slice(0, MAX_REASON_CHARACTERS);
}

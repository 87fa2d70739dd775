import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { deferred } from '../../../core/deferred.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { shorten, TOOL_ENVIRONMENT } from '../backend/run-tool.ts';
import { listWith, type NftExecutor } from './nft-executor.ts';

/** 20,000 networks take 0.6 s (native-notes/nft.md). */
const ANSWER_TIMEOUT_MS = 20_000;

/** An error text of nft repeats the line it is about, so it is as long as the largest plan. */
const MAX_ERROR_CHARACTERS = 64 * 1024 * 1024;

/**
 * A child `nft -i` that owns the table: it ends when its stdin closes, so with this process, and the table with it.
 *
 * It answers nothing when a command went well. Each command is therefore followed by a line that is no command: nft
 * complains about that line on stderr, and what it has said there before is about the command.
 */
export function openInteractiveExecutor(nftPath: string): NftExecutor {
  const child = spawn(nftPath, ['-i'], {
    shell: false,
    env: TOOL_ENVIRONMENT,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    // In a session of its own, Ctrl-C on the terminal does not end it: the rules go when our client says so.
    detached: true,
  });
  const lost = deferred<string>();
  const exited = deferred<void>();
  child.stdin.on('error', () => {}); // its end is what counts
  child.stdout.resume();
  child.on('error', (error) => lost.resolve(`nft -i: ${error.message}`));
  child.on('error', () => exited.resolve());
  child.on('close', (status, signal) => {
    lost.resolve(`nft -i ended with ${signal ?? status}`);
    exited.resolve();
  });
  const ask = errorReader(child, lost.promise);
  let commandCount = 0;
  return {
    lifetime: 'owner',
    lost: lost.promise,
    async run(text) {
      commandCount += 1;
      const marker = `tshuttle-marker-${commandCount}`;
      const answer = ask(marker);
      child.stdin.write(`${onOneLine(text)}\n${marker}\n`);
      const errors = await answer;
      if (errors !== '') throw new RefusedError(shorten(errors));
    },
    list: (what) => listWith(nftPath, what),
    async close() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), ANSWER_TIMEOUT_MS);
      await exited.promise;
      clearTimeout(timer);
    },
  };
}

/** Makes the function that waits for nft's complaint about a marker, and gives what stood before it. */
function errorReader(child: ChildProcessWithoutNullStreams, lost: Promise<string>) {
  let text = '';
  let wake: () => void = () => {};
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < MAX_ERROR_CHARACTERS) text += chunk;
    wake();
  });
  return async (marker: string): Promise<string> => {
    const timeout = deferred<string>();
    const timer = setTimeout(() => timeout.resolve('nft -i does not answer'), ANSWER_TIMEOUT_MS);
    const failed = Promise.race([lost, timeout.promise]);
    try {
      // "Error: syntax error, unexpected string", the line itself, then carets below it.
      const complaint = new RegExp(`Error: [^\\n]*\\n${marker}\\n[ ^]*\\n`);
      for (;;) {
        const match = complaint.exec(text);
        if (match !== null) {
          const errors = text.slice(0, match.index);
          text = '';
          return errors.trim();
        }
        const more = deferred<undefined>();
        wake = () => more.resolve(undefined);
        const failure = await Promise.race([more.promise, failed]);
        if (failure !== undefined) throw new RefusedError(failure);
      }
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Interactive nft takes a transaction per line: newlines become separators, except inside braces that are still open. */
export function onOneLine(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => (/[{,;]$/.test(line) ? line : `${line};`))
    .join(' ');
}

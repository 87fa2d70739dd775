import { type ExecFileException, execFile } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { printableLine } from '../../core/printable.ts';
import { environmentForChildren } from '../child-environment.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { entryNames, type KnownHostEntry, parseKnownHosts } from './known-hosts.ts';

/** Less than a handshake may take, within which it runs. ssh itself waits without end. */
const TIME_LIMIT_MS = 10_000;
const OUTPUT_LIMIT_BYTES = 1_048_576;

/**
 * What ssh asks the command for: to order the host key algorithms, and when it has seen the key. The name is the one that
 * is looked up in known_hosts, with its port or by HostKeyAlias (before OpenSSH 9.6 ssh gave `ORDER` the host's plain name).
 */
export type KnownHostsQuestion =
  | { readonly invocation: 'ORDER'; readonly name: string }
  | {
      readonly invocation: 'HOSTNAME';
      readonly name: string;
      /** As the bastion shows it; maybe a certificate. */
      readonly key: PublicKey;
      readonly fingerprint: string;
    };

/** Dependencies of {@link askKnownHostsCommand}. */
export interface KnownHostsCommandContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Splits KnownHostsCommand as ssh does (misc.c argv_split): at blanks, but not within quotes or behind a backslash.
 *
 * The tokens that are known only later stay: `%H`, `%I`, `%K`, `%f`, `%t` and `%%`.
 *
 * @param expand replaces one token or variable
 * @throws TshuttleError ERR_CONFIG when a quote is not closed, or the program has no absolute path.
 */
export function parseKnownHostsCommand(
  template: string,
  expand: (token: string) => string,
): readonly string[] {
  const words = splitWords(template);
  const [program] = words ?? [];
  if (words === undefined || program === undefined || !isAbsolute(program)) {
    const reason = words === undefined ? 'a quote is not closed' : 'ssh wants the absolute path of a program';
    throw new TshuttleError('ERR_CONFIG', `KnownHostsCommand ${template}: ${reason}`, {
      remedy: 'correct it in the ssh configuration, or set -o KnownHostsCommand=none',
    });
  }
  // ssh expands the arguments and not the program.
  return words.map((word, index) =>
    index === 0
      ? word
      : word.replace(/%(.)|\$\{\w+\}/g, (token, letter: string | undefined) =>
          letter !== undefined && 'HIKft%'.includes(letter) ? token : expand(token).replaceAll('%', '%%'),
        ),
  );
}

function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  const pattern = /[ \t]*((?:\\[\\'" ]|"(?:\\[\\"']|[^"])*"|'(?:\\[\\"']|[^'])*'|[^ \t"'])+)/y;
  let end = 0;
  while (/\S/.test(text.slice(end))) {
    const found = pattern.exec(text);
    if (found === null) return undefined;
    end = pattern.lastIndex;
    words.push(unquote(found[1] ?? ''));
  }
  return words;
}

function unquote(word: string): string {
  return word.replace(
    /\\([\\'" ])|"((?:\\[\\"']|[^"])*)"|'((?:\\[\\"']|[^'])*)'/g,
    (_all, escaped, double, single) => escaped ?? (double ?? single).replace(/\\([\\"'])/g, '$1'),
  );
}

/**
 * Asks KnownHostsCommand for lines of known_hosts; without a shell, as ssh does.
 *
 * @param command as {@link parseKnownHostsCommand} made it; undefined where there is none
 * @returns the lines that are for the name, which is never that of a host without its port; for `ORDER` all of them
 * @throws TshuttleError ERR_HOST_KEY when it fails, says too much, or takes more than 10 s; or the signal's reason.
 */
export async function askKnownHostsCommand(
  command: readonly string[] | undefined,
  question: KnownHostsQuestion,
  context: KnownHostsCommandContext,
): Promise<KnownHostEntry[]> {
  if (command === undefined) return [];
  const [program = '', ...rest] = command;
  const tokens = tokenValues(question);
  const words = rest.map((word) =>
    word.replace(/%([HIKft%])/g, (_token, letter: string) => tokens[letter] ?? ''),
  );
  const { stdout, stderr, failure } = await run(program, words, context.signal);
  context.signal.throwIfAborted();
  for (const line of stderr.split('\n').filter((text) => text.trim() !== '')) {
    context.logger.info(`KnownHostsCommand: ${printableLine(line)}`);
  }
  if (failure !== undefined) {
    throw new TshuttleError(
      'ERR_HOST_KEY',
      `KnownHostsCommand ${program} (${question.invocation}) failed: ${failure}`,
      { remedy: 'run it by hand to see why, or set -o KnownHostsCommand=none' },
    );
  }
  const entries = parseKnownHosts(stdout, `KnownHostsCommand-${question.invocation}`);
  return question.invocation === 'ORDER'
    ? entries
    : entries.filter((entry) => entryNames(entry, question.name));
}

/** ssh_config(5), TOKENS. */
function tokenValues(question: KnownHostsQuestion): Readonly<Record<string, string>> {
  const shown = question.invocation === 'ORDER' ? undefined : question;
  return {
    H: question.name,
    I: question.invocation,
    t: shown?.key.type ?? 'NONE',
    f: shown?.fingerprint ?? 'NONE',
    K: shown?.key.blob.toString('base64') ?? 'NONE',
    '%': '%',
  };
}

interface CommandRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly failure: string | undefined;
}

function run(program: string, words: readonly string[], signal: AbortSignal): Promise<CommandRun> {
  const options = {
    encoding: 'utf8',
    env: environmentForChildren(process.env),
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_LIMIT_BYTES,
    signal,
    timeout: TIME_LIMIT_MS,
  } as const;
  return new Promise((resolve) => {
    const child = execFile(program, words, options, (error, stdout, stderr) =>
      resolve({ stdout, stderr, failure: error === null ? undefined : describeFailure(error) }),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end();
  });
}

function describeFailure(error: ExecFileException): string {
  if (error.killed === true && error.signal === 'SIGKILL')
    return `it gave no answer within ${TIME_LIMIT_MS / 1000} s`;
  return typeof error.code === 'number' ? `it ended with ${error.code}` : messageOf(error);
}

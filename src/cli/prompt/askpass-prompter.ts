import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../core/errors.ts';
import { folderForShortChild } from '../../core/files/start-folder.ts';
import type { Logger } from '../../core/log.ts';
import { environmentForChildren } from '../../ssh/child-environment.ts';
import type { Prompter } from '../../ssh/prompter.ts';

/** A person may have to find a telephone first. */
const ANSWER_TIMEOUT_MS = 300_000;
const MAX_ANSWER_BYTES = 4096;

/** How long a one-time code counts (RFC 6238 section 5.2), from a multiple of that on. */
const CODE_STEP_MS = 30_000;

/** Text that was shown since the last question goes with the next one, up to this. */
const MAX_SHOWN_CHARACTERS = 2000;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Asks with the program of SSH_ASKPASS, as ssh(1) does: the question is its argument, the first line of its output the
 * answer; when it fails there is none.
 *
 * A question is asked once: a program gives a wrong answer again, and sshd counts. Only for a one-time code it is asked once more,
 * when there is another one.
 */
export class AskpassPrompter implements Prompter {
  readonly available = true;
  readonly mayAskAgain = false;
  readonly #program: string;
  readonly #environment: Environment;
  readonly #logger: Logger;
  #shown = '';
  #latest: Promise<unknown> = Promise.resolve();

  constructor(program: string, environment: Environment, logger: Logger) {
    this.#program = program;
    this.#environment = environment;
    this.#logger = logger;
  }

  /** One question after the other, as on a terminal. */
  ask(question: string): Promise<string | undefined> {
    const text = `${this.#shown}${question}`;
    this.#shown = '';
    const answer = this.#latest.then(() => this.#run(text));
    this.#latest = answer;
    return answer;
  }

  /** With a second to spare for a clock that is behind. Does not keep the process alive. */
  readonly waitForNextCode = async (): Promise<void> => {
    const stepMs = CODE_STEP_MS - (Date.now() % CODE_STEP_MS);
    await delay(stepMs + 1_000, undefined, { ref: false });
  };

  show(text: string): void {
    this.#shown = `${this.#shown}${text.trimEnd()}\n`.slice(-MAX_SHOWN_CHARACTERS);
  }

  /** Never rejects. */
  #run(question: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const options = {
        encoding: 'utf8',
        env: environmentForChildren(this.#environment),
        cwd: folderForShortChild(),
        maxBuffer: MAX_ANSWER_BYTES,
        timeout: ANSWER_TIMEOUT_MS,
      } as const;
      const child = execFile(this.#program, [question], options, (failure, answer) => {
        if (failure === null) {
          resolve(answer.split(/[\r\n]/, 1)[0]);
          return;
        }
        // Without its output, which may be the secret.
        const why =
          typeof failure.code === 'number'
            ? `it ended with ${failure.code}`
            : messageOf(failure).split('\n', 1)[0];
        this.#logger.warn(`no answer from SSH_ASKPASS ${this.#program}: ${why}`);
        resolve(undefined);
      });
      child.stdin?.on('error', () => {});
      child.stdin?.end();
    });
  }
}

/**
 * Whether a question goes to the terminal or to SSH_ASKPASS: ssh(1) ENVIRONMENT, OpenSSH's `read_passphrase` in readpass.c.
 *
 * @returns the program to ask with; undefined for the terminal
 */
export function askpassProgram(environment: Environment, hasTerminal: boolean): string | undefined {
  const program = environment['SSH_ASKPASS'];
  if (program === undefined || program === '') return undefined;
  const hasDisplay = [environment['DISPLAY'], environment['WAYLAND_DISPLAY']].some(
    (display) => display !== undefined && display !== '',
  );
  switch (environment['SSH_ASKPASS_REQUIRE']?.toLowerCase()) {
    case 'force':
      return program;
    case 'prefer':
      return hasDisplay ? program : undefined;
    case 'never':
      return undefined;
    default:
      return hasDisplay && !hasTerminal ? program : undefined;
  }
}

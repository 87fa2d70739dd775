import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf, systemCodeOf } from '../../core/errors.ts';
import { folderForShortChild } from '../../core/files/start-folder.ts';
import { printableLine } from '../../core/printable.ts';
import { withUsersCoreLimit } from '../../net/machine/core-limit.ts';
import { withStartersLimit } from '../../net/machine/starters-limit.ts';
import { environmentForChildren } from '../../ssh/child-environment.ts';
import type { DeliveryBounds } from './tunnel-event.ts';

/** From SIGTERM to SIGKILL, and from that until a process that cannot be ended is left alone. */
const GRACE_MS = 500;
/** A program that says more is not listened to any more. */
const MAX_OUTPUT_BYTES = 64 * 1024;
/** What is told of it: its end, where errors stand. */
const SHOWN_CHARACTERS = 500;

/** A program of the user's that is over soon. */
export interface ShortProgram {
  /** A command of the shell's, /bin/sh or cmd.exe, or a program with its arguments as they are. */
  readonly command: string | readonly [string, ...string[]];
  /** Beside our environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end as this user, in the folder where tshuttle was started, in a session of its own and with no input.
 * When it has ended, what it has left running in its process group is ended, too. After the limit the whole group gets SIGTERM, and
 * SIGKILL.
 *
 * @returns the end of what it said, in one line
 * @throws Error why it did not work, for people
 */
export async function runShortProgram(program: ShortProgram, bounds: DeliveryBounds): Promise<string> {
  let child: ChildProcess;
  try {
    child = withStartersLimit(() => withUsersCoreLimit(() => start(program)));
  } catch (error) {
    throw new Error(`cannot be run: ${messageOf(error)}`, { cause: error }); // Node.js throws for some system errors
  }
  return await new ShortRun(child, bounds).over;
}

function start({ command, environment }: ShortProgram): ChildProcess {
  const options = {
    env: { ...environmentForChildren(process.env), ...environment },
    cwd: folderForShortChild(),
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    // A group of its own, which is ended as a whole. On Windows that would be a console of its own, with a window.
    detached: process.platform !== 'win32',
    windowsHide: true,
  };
  if (typeof command === 'string') return spawn(command, { ...options, shell: true });
  const [file, ...words] = command;
  return spawn(file, words, options);
}

/** One run, which owns the child and its timers. */
class ShortRun {
  /** Settles when nothing of it is left that we could end. */
  readonly over: Promise<string>;
  readonly #child: ChildProcess;
  #output = '';
  #outputBytes = 0;
  /** Why it did not work, where that is known before it has ended. */
  #failure: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** How the program itself has ended, without what it has started. */
  #exit: number | NodeJS.Signals | null | undefined;
  /** What its group was sent last. */
  #ending: 'SIGTERM' | 'SIGKILL' | undefined;

  constructor(child: ChildProcess, { limitMs, signal }: DeliveryBounds) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
      stream?.on('error', () => {}); // its end is told by the child's
    }
    this.over = new Promise((resolve, reject) => {
      // What ends this process at once, such as a deadline, ends its children.
      const onExit = (): void => this.#signal('SIGKILL');
      process.once('exit', onExit);
      const onAbort = (): void => this.#kill('it was ended with the tunnel', settle);
      const settle = (): void => {
        clearTimeout(this.#timer);
        signal.removeEventListener('abort', onAbort);
        process.off('exit', onExit);
        if (this.#exit !== 0) this.#failure ??= `it ended with ${this.#exit}${this.#quoted}`;
        if (this.#failure === undefined) resolve(this.#said);
        else reject(new Error(this.#failure));
      };
      child.on('error', (error) => {
        this.#failure ??= systemCodeOf(error) === 'ENOENT' ? 'there is no such program' : messageOf(error);
        if (child.pid === undefined) settle();
      });
      child.once('exit', (code, signalName) => {
        this.#exit = signalName ?? code;
        if (this.#ending === undefined) this.#terminate(undefined, settle);
      });
      // All that it said has been heard; or nobody listens any more, as when somebody who left the group has its output open.
      child.once('close', () => {
        if (this.#ending !== 'SIGTERM' || !this.#hasGroup()) settle();
      });
      this.#timer = setTimeout(
        () => this.#terminate(`it took more than ${Math.round(limitMs) / 1_000} s`, settle),
        limitMs,
      );
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  #hear(text: string): void {
    this.#output = `${this.#output}${text}`.slice(-SHOWN_CHARACTERS);
    this.#outputBytes += Buffer.byteLength(text);
    if (this.#outputBytes <= MAX_OUTPUT_BYTES) return;
    this.#failure ??= `it said more than ${MAX_OUTPUT_BYTES / 1024} KiB`;
    this.#stopListening();
  }

  get #said(): string {
    return printableLine(this.#output);
  }

  get #quoted(): string {
    return this.#said === '' ? '' : `: ${this.#said}`;
  }

  #terminate(failure: string | undefined, settle: () => void): void {
    if (failure !== undefined) this.#failure ??= `${failure}${this.#quoted}`;
    this.#signal('SIGTERM');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#kill(undefined, settle), GRACE_MS);
  }

  #kill(failure: string | undefined, settle: () => void): void {
    this.#failure ??= failure;
    this.#signal('SIGKILL');
    // Whoever left the group may have our pipes for ever.
    this.#stopListening();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(settle, GRACE_MS);
  }

  #stopListening(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** To the whole group; Windows has none, and knows whose children they are. */
  #signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.#ending = name;
    const { pid } = this.#child;
    if (pid === undefined) return;
    if (process.platform === 'win32') {
      spawn('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore', windowsHide: true })
        .on('error', () => this.#child.kill('SIGKILL'))
        .unref();
      return;
    }
    try {
      process.kill(-pid, name);
    } catch {
      // ESRCH: it is gone
    }
  }

  /** Whether somebody is left in the group: nobody gets its number before that is so (fork(2), POSIX). */
  #hasGroup(): boolean {
    const { pid } = this.#child;
    if (pid === undefined || process.platform === 'win32') return false;
    try {
      process.kill(-pid, 0);
      return true;
    } catch {
      return false;
    }
  }
}

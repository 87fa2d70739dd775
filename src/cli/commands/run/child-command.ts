import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { Writable } from 'node:stream';
import { messageOf, systemCodeOf } from '../../../core/errors.ts';
import { withUsersCoreLimit } from '../../../net/machine/core-limit.ts';
import { withStartersLimit } from '../../../net/machine/starters-limit.ts';

/** As env(1) and shells have it. */
const EXIT_CANNOT_RUN = 126;
const EXIT_NOT_FOUND = 127;
const EXIT_BY_SIGNAL = 128;

/** What the keyboard sends to the whole foreground group: the command has it already, unless there is no terminal. */
const KEYBOARD_SIGNALS = ['SIGINT', 'SIGQUIT'] as const;

/** A command that runs with our terminal, folder and group. */
export interface ChildCommand {
  /** Its exit code; 128 and the number for a signal; 126 and 127 when it could not be run. Never rejects. */
  readonly ended: Promise<number>;
  /** Passes a signal on, unless the terminal has. */
  signal(name: NodeJS.Signals): void;
}

/** A command as a process. */
interface StartedCommand extends ChildCommand {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Its descriptor 3, if it was to have one. */
  readonly gate: Writable | undefined;
}

/**
 * Starts a command. Stopping it from the keyboard stops this process too, as one job, and the shell continues both.
 *
 * @param report told why it could not be run
 * @param hasGate whether it reads what we write from descriptor 3
 */
export function startCommand(
  [file, ...words]: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv,
  report: (line: string) => void,
  { hasGate = false }: { readonly hasGate?: boolean } = {},
): StartedCommand {
  let child: ChildProcess | undefined;
  const ended = new Promise<number>((resolve) => {
    try {
      const stdio = ['inherit', 'inherit', 'inherit', ...(hasGate ? (['pipe'] as const) : [])] as const;
      const start = (): ChildProcess => spawn(file, words, { stdio: [...stdio], env: environment });
      child = withStartersLimit(() => withUsersCoreLimit(start));
      child.once('error', (error) => resolve(cannotRun(file, error, report)));
      child.once('exit', (code, signal) => resolve(exitCodeOfChild(code, signal)));
    } catch (error) {
      // Node throws for some system errors, EACCES among them.
      resolve(cannotRun(file, error, report));
    }
  });
  const hasTerminal = hasControllingTerminal();
  const gate = child?.stdio[3];
  // It may have ended.
  gate?.on('error', () => {});
  return {
    pid: child?.pid,
    gate: gate instanceof Writable ? gate : undefined,
    ended,
    signal: (name) => {
      const isFromKeyboard = KEYBOARD_SIGNALS.some((one) => one === name);
      if (!isFromKeyboard || !hasTerminal) child?.kill(name);
    },
  };
}

/** How a child's end is told by an exit code. */
export function exitCodeOfChild(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? EXIT_CANNOT_RUN) : EXIT_BY_SIGNAL + constants.signals[signal];
}

function cannotRun(file: string, error: unknown, report: (line: string) => void): number {
  const isMissing = systemCodeOf(error) === 'ENOENT';
  const what = isMissing ? `${file}: command not found` : `${file}: cannot be run: ${messageOf(error)}`;
  // Node.js starts programs alone, and asks no shell for files that end in .cmd or .bat.
  report(process.platform === 'win32' ? `${what}; what is a .cmd or .bat file: -- cmd /c ${file}` : what);
  return isMissing ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

/** On Windows a console has told all its processes, and nothing else sends these; a signal that we send there ends a process at once. */
function hasControllingTerminal(): boolean {
  if (process.platform === 'win32') return true;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

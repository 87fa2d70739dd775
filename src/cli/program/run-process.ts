import { closeSync } from 'node:fs';
import {
  EXIT_CODES,
  EXIT_INTERNAL,
  EXIT_INTERRUPTED,
  EXIT_STOPPED,
  exitCodeForLaunchd,
} from '../../app/exit-code.ts';
import type { ProcessContext } from '../../app/process-context.ts';
import { Stop } from '../../app/stop.ts';
import { TshuttleError } from '../../core/errors.ts';
import { LAUNCHD_MARKER } from '../../daemon/service/launch-agent.ts';
import { renderFailure } from '../command/report.ts';
import { progressLine } from '../rendering/progress-line.ts';

/** How long the end may take, in ms. Our parent waits; systemd kills after 90 s. */
const STOP_DEADLINE_MS = 5_000;

/** A bug that comes again and again must not fill the log. */
const BUGS_TOLD = 3;

/**
 * Runs a command as this process: the only place that handles signals and the only one that exits.
 *
 * A signal requests the end once, and further ones change nothing: the rules are removed first, whatever the user types.
 * Past the deadline the process ends anyway; the helper then sees its input close and removes them.
 *
 * An error that nobody has caught is a bug of ours: it is told with its stack, and requests the end with 70 in the same way.
 */
export async function runProcess(command: (context: ProcessContext) => Promise<number>): Promise<never> {
  const stop = new Stop();
  const context: ProcessContext = {
    arguments: process.argv.slice(2),
    environment: process.env,
    script: process.argv[1]!,
    stop,
    reportFailure: (thrown) => {
      progressLine.erase();
      process.stderr.write(renderFailure(thrown));
    },
    hangUp: () => stop.request(EXIT_STOPPED),
    onSignal: undefined,
    onReaderGone: () => {},
  };
  const isForLaunchd = context.environment[LAUNCHD_MARKER] !== undefined;
  // No child inherits it.
  delete context.environment[LAUNCHD_MARKER];
  let bugs = 0;
  let terminalIsGone = false;
  // A reader that went away is no reason to end, and to leave other people's connections behind.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => context.onReaderGone());
  const on = (name: NodeJS.Signals, otherwise: () => void): void => {
    process.on(name, () => {
      if (context.onSignal === undefined) otherwise();
      else context.onSignal(name);
    });
  };
  on('SIGINT', () => stop.request(EXIT_INTERRUPTED));
  on('SIGTERM', () => stop.request(EXIT_STOPPED));
  // Ctrl-\\ would leave a core file, with what secrets the process has in it.
  on('SIGQUIT', () => stop.request(EXIT_INTERRUPTED));
  process.on('SIGHUP', () => {
    terminalIsGone = true;
  });
  on('SIGHUP', () => context.hangUp());
  // Node would open a debugger.
  on('SIGUSR1', () => {});
  on('SIGUSR2', () => {});
  const onBug = (thrown: unknown): void => {
    bugs += 1;
    if (bugs <= BUGS_TOLD) tellOfBug(context, thrown);
    stop.request(EXIT_INTERNAL, thrown);
  };
  process.on('uncaughtException', onBug);
  // By itself only where NODE_OPTIONS does not say otherwise (--unhandled-rejections).
  process.on('unhandledRejection', onBug);
  const deadline = stop.requested.then(
    () =>
      new Promise<number>((resolve) => {
        setTimeout(() => {
          // First, so that a report that fails does not keep the process.
          resolve(EXIT_CODES.ERR_CLEANUP);
          context.reportFailure(tookTooLong());
        }, STOP_DEADLINE_MS).unref();
      }),
  );
  const finished = command(context).catch((thrown: unknown) => {
    onBug(thrown);
    return EXIT_INTERNAL;
  });
  const ended = await Promise.race([finished, deadline]);
  const exitCode = isForLaunchd ? exitCodeForLaunchd(ended) : ended;
  progressLine.step(undefined);
  if (terminalIsGone) closeStandardStreams();
  // Whoever has stopped it does not wait for a reader that does not read.
  else await Promise.race([Promise.all([process.stdout, process.stderr].map(taken)), stop.requested]);
  process.exit(bugs > 0 ? EXIT_INTERNAL : exitCode);
}

/** Resolves when all that was written is out: a pipe takes 64 KiB at once, and {@link process.exit} cuts off the rest. */
function taken(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('close', resolve);
    stream.write('', () => resolve());
  });
}

/** Never throws: what is thrown while a bug is told ends the process on the spot, with the rules left to the helper. */
function tellOfBug(context: ProcessContext, thrown: unknown): void {
  const bug = thrown instanceof TshuttleError ? asBug(thrown) : thrown;
  try {
    context.reportFailure(bug);
  } catch {
    process.stderr.write(renderFailure(bug));
  }
}

/** A failure that was expected, but not there: told like any bug, with its stack. */
function asBug({ code, message, stack, cause }: TshuttleError): Error {
  const bug = new Error(`${code}: ${message}`, { cause });
  if (stack !== undefined) bug.stack = stack;
  return bug;
}

/** Node aborts at exit when it cannot reset the mode of a terminal that is gone (native-notes/node-exit.md). */
function closeStandardStreams(): void {
  for (const descriptor of [0, 1, 2]) {
    try {
      closeSync(descriptor);
    } catch {
      // It was closed already, which is as good.
    }
  }
}

function tookTooLong(): TshuttleError {
  return new TshuttleError('ERR_CLEANUP', `could not end in order within ${STOP_DEADLINE_MS / 1000} s`, {
    remedy: 'the helper removes the rules as soon as this process is gone; to be sure: tshuttle cleanup',
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { canReleaseStreams, canStartNewSession } from '../../net/native/process.ts';
import {
  type AnswerMessage,
  type Asker,
  DAEMON_MARKER,
  isMessage,
  type QuestionMessage,
  type ReadyMessage,
  type ShowMessage,
  type StartMessage,
  type TunnelOrder,
  type TunnelOutcome,
} from './protocol.ts';

/** How the start of a daemon ended. */
export type DaemonStart =
  | { readonly kind: 'ready'; readonly pid: number; readonly outcomes: readonly TunnelOutcome[] }
  /** It has said on standard error why it ended. */
  | { readonly kind: 'ended'; readonly exitCode: number }
  | { readonly kind: 'stopped' };

/** Dependencies of {@link startDaemon}. */
export interface StartDaemonContext {
  /** The script that this process was started with. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asks for a daemon that is on no terminal from its start. */
  readonly asker: Asker;
  /** Ends the start. */
  readonly signal: AbortSignal;
}

/**
 * Starts this program once more, to become the daemon, and waits until its tunnels carry, or have failed.
 *
 * Until then it is an ordinary child in the same session, on the same terminal, so that sudo and ssh can ask; where it cannot leave
 * them by itself, it is on none, and has this process ask (native-notes/daemonise.md). The configuration goes over a private channel, never through arguments or environment.
 *
 * @throws TshuttleError ERR_INTERNAL when the child could not be started or was killed.
 */
export async function startDaemon(
  tunnels: readonly TunnelOrder[],
  context: StartDaemonContext,
): Promise<DaemonStart> {
  const child = spawn(process.execPath, [...process.execArgv, context.script], {
    // On Windows a handle that is inherited stays open for as long as the daemon lives, and whoever reads it waits for that.
    stdio: [
      'inherit',
      ...(canReleaseStreams() ? (['inherit', 'inherit'] as const) : (['pipe', 'pipe'] as const)),
      'ipc',
    ],
    env: { ...context.environment, [DAEMON_MARKER]: '1' },
    serialization: 'advanced',
    // One that cannot leave our session by itself never is in it, and its terminal is none that it could open.
    detached: !canStartNewSession(),
    windowsHide: true,
  });
  const isPassedOn = Promise.all([
    passOn(child.stdout, process.stdout),
    passOn(child.stderr, process.stderr),
  ]);
  // Its end of the channel closes: the child sees that and stops.
  const stop = (): void => {
    if (child.connected) child.disconnect();
  };
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    if (context.signal.aborted) stop();
    const start = await untilReadyOrEnded(child, isPassedOn, { tunnels, asker: context.asker });
    if (!context.signal.aborted) return start;
    if (start.kind === 'ready') await terminate(child);
    return { kind: 'stopped' };
  } finally {
    context.signal.removeEventListener('abort', stop);
    child.unref();
    for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  }
}

/** Resolves when all that the child says there has been passed on, where it does not say it by itself. */
async function passOn(from: Readable | null, to: Writable): Promise<void> {
  if (from === null) return;
  from.on('error', () => {}); // it is over then, too
  from.pipe(to, { end: false });
  await new Promise<void>((resolve) => from.once('close', () => resolve()));
}

/** @param isPassedOn what the child has said; `close` of it does not come after {@link ChildProcess.disconnect} (native-notes/daemonise.md) */
function untilReadyOrEnded(
  child: ChildProcess,
  isPassedOn: Promise<unknown>,
  { tunnels, asker }: { readonly tunnels: readonly TunnelOrder[]; readonly asker: Asker },
): Promise<DaemonStart> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(childFailure(`cannot start the daemon: ${messageOf(error)}`, error)));
    child.on('exit', (exitCode, signal) => {
      void isPassedOn.then(() => {
        if (exitCode !== null) resolve({ kind: 'ended', exitCode });
        else reject(childFailure(`the daemon was ended by ${signal} while it started`));
      });
    });
    child.on('message', (message) => {
      if (isMessage<QuestionMessage>(message, 'question')) void answer(child, message, asker);
      else if (isMessage<ShowMessage>(message, 'show')) asker.show(message.text);
      else if (isMessage<ReadyMessage>(message, 'ready'))
        resolve({ kind: 'ready', pid: child.pid!, outcomes: message.outcomes });
    });
    const start: StartMessage = { kind: 'start', tunnels, canAsk: asker.available };
    // A child that is gone before it could take this says why by its exit code.
    child.send(start, () => {});
  });
}

async function answer(child: ChildProcess, { question, echo }: QuestionMessage, asker: Asker): Promise<void> {
  const reply: AnswerMessage = {
    kind: 'answer',
    answer: await asker.ask(question, { echo }).catch(() => undefined),
  };
  // Gone, or given up: it hears that by the end of the channel.
  if (child.connected) child.send(reply, () => {});
}

/** It was ready in the moment when it should stop: it no longer listens to the channel, only to signals. */
async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await ended;
}

function childFailure(message: string, cause?: unknown): TshuttleError {
  return new TshuttleError('ERR_INTERNAL', message, { cause });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { environmentForChildren } from '../child-environment.ts';
import { CommandOutput } from '../proxy/command-output.ts';
import type { SshEnding } from './master-failure.ts';

/** How long ssh may take to end after SIGTERM, before SIGKILL. */
const GRACE_MS = 1_000;

/**
 * `sh -c GATE sh FOLDER ssh ARGUMENT...` becomes ssh, and leaves a watcher that is nobody's child beside it. When the watcher
 * reads the end of descriptor 3 with no line before it, we were killed: it ends ssh and removes the folder. ssh stays in our
 * process group and session, where it can ask on the terminal; the end of the terminal is for us to see
 * (native-notes/openssh-master.md).
 */
const GATE = [
  'folder=$1; shift',
  '( { trap "" HUP INT TERM; read -r line <&3 || { kill -s TERM "$$"; rm -rf -- "$folder"; sleep 1; kill -s KILL "$$"; }; } </dev/null >/dev/null 2>&1 & )',
  'exec "$@" 3<&-',
].join('\n');

/** An `ssh` of ours: it ends with us, also by SIGKILL, and the folder that it has its sockets in goes with it. */
export class SshProcess {
  /** Resolves, never rejects, when it has ended and said its last. */
  readonly ended: Promise<SshEnding>;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #output: CommandOutput;
  readonly #gate: Writable;
  #ending: Promise<void> | undefined;

  /**
   * @param command the program and its arguments
   * @param folder removed at the end
   * @param isTaken asked for each line of standard error; one that is taken is not logged
   */
  constructor(
    command: readonly string[],
    folder: string,
    logger: Logger,
    isTaken: (line: string) => boolean,
  ) {
    this.#folder = folder;
    this.#child = spawn('/bin/sh', ['-c', GATE, 'sh', folder, ...command], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: environmentForChildren(process.env),
    });
    this.#gate = this.#child.stdio[3] as Writable;
    this.#gate.on('error', () => {});
    this.#output = new CommandOutput('ssh', this.#child.stderr!, logger, isTaken);
    const child = this.#child;
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    const silent = new Promise<void>((resolve) => child.stderr!.once('close', () => resolve()));
    // What it has started may hold its standard error open.
    this.ended = exited
      .then(() => within(silent, GRACE_MS))
      .then(() => ({
        exitCode: child.exitCode,
        signal: child.signalCode,
        lines: this.#output.lastLines,
      }));
  }

  /** @throws TshuttleError ERR_INTERNAL when the system could not start it */
  get pid(): number {
    const { pid } = this.#child;
    if (pid !== undefined) return pid;
    throw new TshuttleError('ERR_INTERNAL', 'cannot start ssh', {
      remedy: 'allow more processes (ulimit -u)',
    });
  }

  /** Ends it. Idempotent; never rejects. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const child = this.#child;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
    if (child.pid !== undefined && isRunning()) {
      child.kill('SIGTERM');
      await within(exited, GRACE_MS);
      if (isRunning()) {
        child.kill('SIGKILL');
        await exited;
      }
    }
    // From here on its number may be another's: the watcher is to let it be.
    this.#gate.end('ended\n');
    child.stderr?.destroy();
    await rm(this.#folder, { recursive: true, force: true }).catch(() => {});
  }
}

/** Waits for a promise, but not longer. */
async function within(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const timer = new AbortController();
  await Promise.race([promise, delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}

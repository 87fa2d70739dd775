import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { DuplexOptions, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { abortable } from '../../core/abortable.ts';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { folderForShortChild } from '../../core/files/start-folder.ts';
import type { Logger } from '../../core/log.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { connectionsOfProcessGroup } from '../../net/machine/processes.ts';
import { withStartersLimit } from '../../net/machine/starters-limit.ts';
import { environmentForChildren } from '../child-environment.ts';
import { CommandOutput } from './command-output.ts';
import { spawnOverSocket } from './command-socket.ts';

/** How long a command may take to end after SIGHUP, before SIGKILL; and how long its last words are waited for. */
const GRACE_MS = 1_000;

/**
 * `sh -c GATE SHELL 'exec COMMAND'`. It waits for a line on descriptor 3 before the command begins, so that its process can
 * be prepared. Then a watcher stays beside the command for as long as we keep the descriptor open: our end, also by
 * SIGKILL, ends the command's whole process group (native-notes/proxy-command.md).
 */
const GATE = [
  'read -r go <&3 || exit 1',
  '{ trap \'\' HUP; read -r end <&3; kill -s HUP -- "-$$"; sleep 1; kill -s KILL -- "-$$"; } </dev/null >/dev/null 2>&1 &',
  'exec "$0" -c "$1" 3<&-',
].join('\n');

/** Dependencies of {@link startProxyCommand}. */
export interface ProxyCommandContext {
  readonly logger: Logger;
  /** Ends the start; nothing is left then. Has no effect later. */
  readonly signal: AbortSignal;
  /** Awaited before the command begins, with the process that it will be. */
  readonly beforeProxyCommand?: ((pid: number) => Promise<void>) | undefined;
}

/** A running ProxyCommand. */
export interface ProxyCommand {
  /** Its standard input and output. The caller owns it. */
  readonly socket: Socket;
  /** Where it and what it has started are connected to now, as far as the system tells. */
  peers(): Promise<readonly Endpoint[]>;
  /** How it ended and what it said last, for people; undefined when it still runs after a moment. */
  ending(): Promise<string | undefined>;
  /** Ends the command and whatever it has started in its process group. Idempotent. */
  end(): Promise<void>;
}

/**
 * Runs a ProxyCommand as OpenSSH does (sshconnect.c, ssh_proxy_connect): by the user's shell, one socket for its standard
 * input and output. In a session of its own, so without the terminal. Its standard error goes to the log.
 *
 * @throws TshuttleError ERR_BASTION_UNREACHABLE when it cannot be started; ERR_CONFIG on Windows; the signal's reason
 */
export async function startProxyCommand(
  command: string,
  context: ProxyCommandContext,
  socketOptions: DuplexOptions = {},
): Promise<ProxyCommand> {
  context.signal.throwIfAborted();
  if (process.platform === 'win32') {
    throw new TshuttleError(
      'ERR_CONFIG',
      `ProxyCommand ${command}: Windows has no shell that could run it as ssh does`,
      {
        remedy:
          'go through an ssh server with -J, or a proxy with --upstream-proxy; or use tshuttle in WSL2 (tshuttle help windows)',
      },
    );
  }
  const { SHELL: shell = '/bin/sh' } = process.env;
  const { child, socket } = withStartersLimit(() =>
    spawnOverSocket(
      '/bin/sh',
      ['-c', GATE, shell, `exec ${command}`],
      {
        detached: true,
        // It lasts as long as the connection: only one that is named by a relative path needs the folder.
        ...(/(?:^|[\s='"])\.{1,2}\//.test(command) ? { cwd: folderForShortChild() } : {}),
        env: environmentForChildren(process.env),
      },
      socketOptions,
    ),
  );
  const running = new RunningCommand(child, socket, context.logger);
  try {
    const pid = await running.started();
    if (context.beforeProxyCommand !== undefined) {
      await abortable(context.beforeProxyCommand(pid), context.signal);
    }
    context.signal.throwIfAborted();
    running.begin();
    return running;
  } catch (error) {
    await running.end();
    throw error;
  }
}

class RunningCommand implements ProxyCommand {
  readonly socket: Socket;
  readonly #child: ChildProcess;
  readonly #output: CommandOutput;
  /** Closing it lets the watcher end the process group. */
  readonly #gate: Writable;
  /** Resolves, never rejects. */
  readonly #exited: Promise<unknown>;
  /** The end of standard error, which processes may hold open that the command has started. */
  readonly #silent: Promise<unknown>;
  #failure: Error | undefined;
  /** It closed the connection, not we. */
  #hasHungUp = false;
  #ended: Promise<void> | undefined;

  constructor(child: ChildProcess, socket: Socket, logger: Logger) {
    this.#child = child;
    this.socket = socket;
    this.#gate = child.stdio[3] as Writable;
    this.#gate.on('error', () => {});
    this.#output = new CommandOutput('ProxyCommand', child.stderr!, logger);
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
    this.#silent = new Promise((resolve) => child.stderr!.once('close', resolve));
    for (const event of ['end', 'error']) {
      socket.once(event, () => {
        this.#hasHungUp = true;
      });
    }
    child.on('error', (error) => {
      this.#failure = error;
    });
  }

  async started(): Promise<number> {
    if (this.#child.pid !== undefined) return this.#child.pid;
    if (this.#failure === undefined) await once(this.#child, 'error').catch(() => {});
    throw new TshuttleError(
      'ERR_BASTION_UNREACHABLE',
      `cannot start the ProxyCommand: ${messageOf(this.#failure)}`,
      { remedy: 'allow more processes (ulimit -u)', cause: this.#failure },
    );
  }

  begin(): void {
    this.#gate.write('go\n');
  }

  async peers(): Promise<readonly Endpoint[]> {
    // Once it has ended, its number may be another's.
    return this.#hasExited() ? [] : await connectionsOfProcessGroup(this.#child.pid!);
  }

  async ending(): Promise<string | undefined> {
    await within(Promise.all([this.#exited, this.#silent]), GRACE_MS);
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return undefined;
    const how = signalCode === null ? `ended with status ${exitCode}` : `was ended by ${signalCode}`;
    const { lastLine } = this.#output;
    // As it does when we close its input: nothing that would explain a failure.
    if (exitCode === 0 && lastLine === undefined && !this.#hasHungUp) return undefined;
    return lastLine === undefined ? how : `${how}, saying '${lastLine}'`;
  }

  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.socket.destroy();
    if (this.#child.pid === undefined) return;
    if (!this.#hasExited()) {
      this.#killGroup('SIGHUP');
      await within(this.#exited, GRACE_MS);
    }
    // The watcher is in the group and keeps its number from being given to others, until now.
    this.#killGroup('SIGKILL');
    if (!this.#hasExited()) await this.#exited;
    this.#gate.destroy();
    // Held open only by what has left the process group.
    this.#child.stderr?.destroy();
  }

  #hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #killGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#child.pid!, signal);
    } catch {
      // ESRCH: all have ended.
    }
  }
}

/** Waits for a promise, but not longer. */
async function within(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const timer = new AbortController();
  await Promise.race([promise, delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}

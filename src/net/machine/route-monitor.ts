import { type ChildProcess, spawn } from 'node:child_process';
import { LineSplitter } from '../messages/line-splitter.ts';
import { RouteMessages } from './route-messages.ts';

/** On macOS and the BSDs. */
const ROUTE = ['/sbin/route', '-n', 'monitor'];

/**
 * `sh -c WATCHED COMMAND...`: ends the command when its standard input ends, as it does with us, also by SIGKILL. The command itself would only
 * notice when it has something to print.
 */
const WATCHED = '"$0" "$@" </dev/null & child=$!; exec >/dev/null; read -r end; kill "$child" 2>/dev/null';

/** Lines of names of flags and addresses. */
const MAX_LINE_BYTES = 8_192;

/** How long after its end the command is started again, at first and at most, in ms. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;

/**
 * Asks the system for changes of links, addresses and routes where Node.js has no socket for it (PF_ROUTE). Needs no privilege.
 *
 * While it is not told anything, as when route(8) has ended, those who listen are called whenever that begins and ends: they look themselves.
 */
export class RouteMonitor {
  readonly #command: readonly string[];
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #hasChanged = false;
  #isClosed = false;
  #onNews: (() => void) | undefined;

  /** Does not keep the process alive. @param command tests have others */
  constructor(command: readonly string[] = ROUTE) {
    this.#command = command;
    this.#start();
  }

  /** Whether there is somebody who would tell. */
  get isWatching(): boolean {
    return this.#child !== undefined;
  }

  /** As `NetworkView.listen`. */
  listen(onNews: () => void): void {
    this.#onNews = onNews;
    if (this.#hasChanged) this.#tell();
  }

  /** Whether something has changed since the last call. */
  hasChanged(): boolean {
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#restart);
    this.#child?.stdin?.destroy();
    this.#child = undefined;
  }

  #start(): void {
    const child = spawn('/bin/sh', ['-c', WATCHED, ...this.#command], {
      stdio: ['pipe', 'pipe', 'ignore'],
      cwd: '/',
      env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    const messages = new RouteMessages();
    const lines = new LineSplitter(MAX_LINE_BYTES, (line) => {
      if (!messages.read(line)) return;
      this.#hasChanged = true;
      this.#tell();
    });
    this.#child = child;
    child.stdin.on('error', () => {});
    child.stdout.on('error', () => {});
    child.stdout.on('data', (chunk: Buffer) => {
      this.#pauseMs = FIRST_PAUSE_MS;
      try {
        lines.push(chunk);
      } catch {
        // No line of its own is so long.
        child.stdin.destroy();
        child.stdout.destroy();
      }
    });
    child.on('error', () => this.#ended(child));
    // Its standard output ends with the command, before the shell does.
    child.stdout.on('close', () => this.#ended(child));
    for (const one of [child, child.stdin, child.stdout] as ReadonlyArray<{ unref?: () => void }>)
      one.unref?.();
  }

  #ended(child: ChildProcess): void {
    child.stdin?.destroy();
    if (this.#child !== child || this.#isClosed) return;
    this.#child = undefined;
    this.#restart = setTimeout(() => {
      this.#start();
      this.#tell();
    }, this.#pauseMs);
    this.#restart.unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.#tell();
  }

  /** Later: whoever listens has not returned yet. */
  #tell(): void {
    const onNews = this.#onNews;
    this.#onNews = undefined;
    if (onNews !== undefined) setImmediate(onNews);
  }
}

import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SshRequest } from '../config/request.ts';
import { describeTarget, type SshTarget } from '../ssh-target.ts';
import type { Transport } from '../transport.ts';
import { type MasterContext, startMaster } from './master.ts';
import { requireMaster } from './master-failure.ts';
import { MasterSessions } from './master-sessions.ts';
import { transportOver } from './transport.ts';

/** What ssh says of one login is some hundred lines. */
const MAX_LINES = 2_000;

/** How long a channel to a unix socket may take to be refused. */
const UNIX_SOCKET_MS = 3_000;

/** SSH_FXP_INIT of version 3, and the type of its answer (draft-ietf-secsh-filexfer-02). */
const SFTP_INIT = Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]);
const SFTP_VERSION = 2;

/** What the bastion is to say where it runs a command, so that no forced command is taken for one. */
const MARK = 'tshuttle-audit';

/** What a bastion runs when it is asked for a command; undefined where it runs none, or another. */
export interface FoundShell {
  /** Whether a session may have an agent. */
  readonly hasAgent: boolean;
  /** How many descriptors a process of its may have; undefined where it is not told. */
  readonly descriptors: number | undefined;
}

/** One login at a bastion by the ssh of this machine, and what is tried over it, one thing at a time. */
export interface Examination {
  readonly description: string;
  /** What ssh has said of the connection and the login. */
  readonly lines: readonly string[];
  /** As {@link Transport.open}. */
  readonly open: Transport['open'];
  /** Asks for a command. */
  findShell(): Promise<FoundShell | undefined>;
  /** Whether a session gets a terminal. */
  hasTerminal(): Promise<boolean>;
  hasSftp(): Promise<boolean>;
  /** Whether the bastion listens for us; on its loopback, for as long as we are connected. */
  listens(): Promise<boolean>;
  /** Whether a unix socket of the bastion's can be connected to. */
  opensUnixSocket(path: string): Promise<boolean>;
  /** Ends the connection. Idempotent; never rejects. */
  close(): Promise<void>;
}

/**
 * Logs in once. ssh asks for what it needs by itself; nothing after that can log in again, or ask.
 *
 * @throws TshuttleError as `requireMaster` and `startMaster` do; nothing is left then
 */
export async function openExamination(
  target: SshTarget,
  request: SshRequest,
  context: MasterContext,
): Promise<Examination> {
  requireMaster('run this command in WSL2 (tshuttle help windows)');
  const lines: string[] = [];
  const onDebugLine = (line: string): void => {
    if (lines.length < MAX_LINES) lines.push(line);
  };
  const master = await startMaster(target, request, { ...context, wantsSocks: true, onDebugLine });
  const sessions = new MasterSessions(master.controlPath);
  const description = describeTarget(target);
  const transport = transportOver(master, sessions, description);
  const ask = (words: readonly string[], command: readonly string[] = [], input = Buffer.alloc(0)) =>
    sessions.ask(words, command, input);
  return {
    description,
    lines,
    open: (destination, signal) => transport.open(destination, signal),
    findShell: async () => {
      const { output } = await ask(['-T', '-A'], [`echo "${MARK} $(ulimit -n) $SSH_AUTH_SOCK"`]);
      const [, limit, agent] = new RegExp(`${MARK} (\\w*) ?(.*)`).exec(output) ?? [];
      if (limit === undefined || limit === '') return undefined;
      const descriptors = /^\d+$/.test(limit) ? Number(limit) : undefined;
      return { hasAgent: (agent ?? '').trim() !== '', descriptors };
    },
    hasTerminal: async () => {
      const { said, exitCode } = await ask(['-tt'], ['true']);
      return exitCode !== null && exitCode !== 255 && !/PTY allocation request failed/.test(said);
    },
    hasSftp: async () => {
      const { output } = await ask(['-T', '-s'], ['sftp'], SFTP_INIT);
      return output.charCodeAt(4) === SFTP_VERSION && output.charCodeAt(0) === 0;
    },
    listens: async () => {
      // Whoever connects there is led to a port of ours where nobody is.
      const { exitCode } = await ask(['-O', 'forward', '-R', '127.0.0.1:0:127.0.0.1:1']);
      return exitCode === 0;
    },
    opensUnixSocket: async (path) => {
      const local = join(dirname(master.controlPath), 'unix');
      const forward = ['-L', `${local}:${path}`];
      const { exitCode } = await ask(['-O', 'forward', ...forward]);
      if (exitCode !== 0) return false;
      const isOpen = await staysOpen(local);
      await ask(['-O', 'cancel', ...forward]);
      return isOpen;
    },
    close: () => transport.close(),
  };
}

/** ssh accepts at once, and closes when the bastion refuses. */
async function staysOpen(path: string): Promise<boolean> {
  const socket = connect(path);
  socket.on('error', () => {});
  socket.resume();
  const timer = new AbortController();
  const isClosed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  const isLate = delay(UNIX_SOCKET_MS, false, { signal: timer.signal }).catch(() => false);
  const wasClosed = await Promise.race([isClosed, isLate]);
  timer.abort();
  socket.destroy();
  return !wasClosed;
}

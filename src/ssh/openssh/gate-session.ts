import { printableLine } from '../../core/printable.ts';
import type { SshRequest } from '../config/request.ts';
import { describeTarget, type SshTarget } from '../ssh-target.ts';
import { type MasterContext, startMaster } from './master.ts';
import { requireMaster } from './master-failure.ts';
import { MasterSessions } from './master-sessions.ts';

/** More than 1,000 keys of any kind. */
const MAX_OUTPUT_BYTES = 2 * 1024 * 1024;

/** For one step: a gate waits for its lock, too. */
const STEP_TIMEOUT_MS = 15_000;

/** What a program at the gate has said. */
export interface GateAnswer {
  readonly output: string;
  /** Null where it was ended, or could not be run. */
  readonly exitCode: number | null;
  /** Its first words on standard error. */
  readonly said: string;
}

/** One login at a gate by the ssh of this machine, over which its keys are looked at and changed. */
export interface GateSession {
  readonly description: string;
  /** The fingerprint of the key that let us in; undefined where none did, or ssh did not tell. */
  readonly acceptedKey: string | undefined;
  /** Asks for a command; its input ends when it has said something. */
  command(words: string, input: string): Promise<GateAnswer>;
  /** Has SFTP do one thing after another, up to the first that fails; descriptor 3 leads to a file that has `input`. */
  sftp(commands: readonly string[], input: string): Promise<GateAnswer>;
  /** Whether the connection is gone: asked when a step has failed, it is certain. */
  isGone(): Promise<boolean>;
  /** Ends the connection. Idempotent; never rejects. */
  close(): Promise<void>;
}

/**
 * Logs in once. ssh asks for what it needs by itself; nothing after that can log in again, or ask.
 *
 * @throws TshuttleError as `requireMaster` and `startMaster` do; nothing is left then
 */
export async function openGateSession(
  target: SshTarget,
  request: SshRequest,
  context: MasterContext,
): Promise<GateSession> {
  requireMaster('run this command in WSL2 (tshuttle help windows)');
  let acceptedKey: string | undefined;
  const onDebugLine = (line: string): void => {
    // sshconnect2.c, input_userauth_pk_ok
    acceptedKey = /Server accepts key: .* (SHA256:[A-Za-z0-9+/]{43})\b/.exec(line)?.[1] ?? acceptedKey;
  };
  const master = await startMaster(target, request, { ...context, wantsSocks: false, onDebugLine });
  const sessions = new MasterSessions(master.controlPath, STEP_TIMEOUT_MS);
  return {
    description: describeTarget(target),
    acceptedKey,
    command: async (words, input) => {
      const answer = await sessions.ask(['-T', '-a', '-x'], [words], Buffer.from(input), MAX_OUTPUT_BYTES);
      return { ...answer, output: Buffer.from(answer.output, 'latin1').toString('utf8') };
    },
    sftp: async (commands, input) => {
      const { output, exitCode, said } = await sessions.sftp(commands, input, MAX_OUTPUT_BYTES);
      return { output, exitCode, said: printableLine(said) };
    },
    isGone: () => master.isGone(),
    close: async () => {
      sessions.end();
      await master.end();
    },
  };
}

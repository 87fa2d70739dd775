import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { Child, mustRun } from '../process/child.ts';

/** A real ssh-agent; disposing of it ends it. */
export interface RunningAgent extends AsyncDisposable {
  readonly socket: string;
}

/**
 * Starts an agent that listens at `socket`.
 *
 * @param keys private key files, without passphrases, that it holds in this order
 * @param askpass a program that the agent has its user confirm each signature with
 */
export async function startAgent(
  socket: string,
  keys: readonly string[],
  askpass?: string,
): Promise<RunningAgent> {
  const path = process.env['PATH'] ?? '';
  const asks = askpass === undefined ? {} : { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
  const agent = new Child(['ssh-agent', '-D', '-a', socket], { env: { PATH: path, ...asks } });
  // Said when it listens, and not only has a socket.
  await agent.untilOutput(/SSH_AUTH_SOCK=/, 5_000);
  for (const key of keys) {
    const confirm = askpass === undefined ? [] : ['-c'];
    await mustRun(['ssh-add', '-q', ...confirm, key], { env: { SSH_AUTH_SOCK: socket, PATH: path } });
  }
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      agent.kill();
      await agent.exited;
    },
  };
}

/** Makes keys that no bastion knows. @returns their files */
export async function makeKeys(lab: Lab, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, index) => join(lab.directory, `agent_key_${index}`));
  for (const key of keys) await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
  return keys;
}

import { stat } from 'node:fs/promises';
import { Child, mustRun } from './child.ts';
import { until } from './until.ts';

/** A real ssh-agent; disposing of it ends it. */
export interface RunningAgent extends AsyncDisposable {
  readonly socket: string;
}

/**
 * Starts an agent that listens at `socket`.
 *
 * @param keys private key files, without passphrases, that it holds in this order
 * @param options of ssh-add
 */
export async function startAgent(
  socket: string,
  keys: readonly string[],
  ...options: readonly string[]
): Promise<RunningAgent> {
  const agent = new Child(['ssh-agent', '-D', '-a', socket]);
  await until(
    () =>
      stat(socket).then(
        () => true,
        () => false,
      ),
    {
      deadlineMs: 5_000,
      what: () => `the agent listens: ${agent.stderr}`,
    },
  );
  for (const key of keys) {
    const env = { SSH_AUTH_SOCK: socket, PATH: process.env['PATH'] ?? '' };
    await mustRun(['ssh-add', '-q', ...options, key], { env });
  }
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      agent.kill();
      await agent.exited;
    },
  };
}

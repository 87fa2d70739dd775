import { once } from 'node:events';
import { messageOf, TshuttleError } from '../../../src/core/errors.ts';
import type { Logger } from '../../../src/core/log.ts';
import type { SshRequest } from '../../../src/ssh/config/request.ts';
import { resolveTarget } from '../../../src/ssh/config/target.ts';
import type { Prompter } from '../../../src/ssh/prompter.ts';
import { type ConnectedBastion, connectBastion } from '../../../src/ssh/ssh2/connection/connect.ts';
import { runCommand } from '../process/child.ts';
import { NO_TERMINAL } from './scripted-prompter.ts';

/** Who is told and who is asked; nobody is there unless given. */
export interface Onlookers {
  readonly logger: Logger;
  readonly prompter?: Prompter;
}

/** Reaches a bastion, with the ssh configuration of whoever runs the test. */
export async function connectTo(request: SshRequest, onlookers: Onlookers): Promise<ConnectedBastion> {
  const { logger, prompter = NO_TERMINAL } = onlookers;
  const { signal } = new AbortController();
  const target = await resolveTarget(request, { logger, signal });
  return await connectBastion(target, { logger, prompter, signal, beforeDial: async () => {} });
}

/** Ends a connection, and waits until it is gone. */
export async function hangUp(bastion: ConnectedBastion): Promise<void> {
  const closed = once(bastion.socket, 'close');
  bastion.client.end();
  await closed;
}

/** `in`, or the code, message and remedy with which the bastion was not reached. */
export async function outcomeOf(request: SshRequest, onlookers: Onlookers): Promise<string> {
  try {
    await hangUp(await connectTo(request, onlookers));
    return 'in';
  } catch (error) {
    if (!(error instanceof TshuttleError)) throw error;
    return `${error.code}: ${messageOf(error)} (${error.remedy})`;
  }
}

/** What OpenSSH's own client makes of the same request, where nobody is there either. */
export async function outcomeOfSsh(request: SshRequest): Promise<'in' | 'out'> {
  const { code } = await runCommand([
    'ssh',
    ...['-F', 'none', '-o', 'BatchMode=yes', '-p', String(request.port)],
    ...request.identityFiles.flatMap((file) => ['-i', file]),
    ...request.options.flatMap((option) => ['-o', option]),
    `${request.user}@${request.host}`,
    'true',
  ]);
  return code === 0 ? 'in' : 'out';
}

import type { SshTarget } from '../ssh-target.ts';
import type { BastionProgram, ProgramListener, Transport } from '../transport.ts';
import { type ConnectContext, connectBastion } from './connection/connect.ts';
import type { Route } from './connection/route.ts';
import type { ConnectionLoad } from './pool/choose-connection.ts';

/** A transport over one ssh2 connection. */
export interface Ssh2Transport extends Transport, Pick<Route, 'dialled' | 'peers'> {
  /** Reads a small text file of the bastion, if it may be read. @throws Error with a reason for people */
  readFile(path: string): Promise<string>;
  /** What a command on the bastion says, if it may run. @throws Error with a reason for people */
  run(command: string): Promise<string>;
  /** Runs a program on the bastion, if it may run. */
  start(command: string, listener: ProgramListener): BastionProgram;
  /** What it carries. */
  load(): ConnectionLoad;
}

/**
 * Connects to a bastion and carries flows as direct-tcpip channels. A session channel is opened where it may and can be
 * (see {@link deliverPromptly}), and never needed.
 *
 * @throws TshuttleError as `connectBastion` does; nothing is left behind then
 */
export async function openSsh2Transport(
  target: SshTarget,
  context: ConnectContext & { readonly mayOpenSession: boolean },
): Promise<Ssh2Transport> {
  return await openAlong(target, context);
}

/** Each jump host before what it leads to. */
async function openAlong(
  target: SshTarget,
  context: ConnectContext & { readonly mayOpenSession: boolean },
): Promise<Ssh2Transport> {
  // With ssh2, which is loaded while the bastion is being reached.
  const loading = import('./connected-transport.ts');
  loading.catch(() => {});
  const bastion = await connectBastion(target, {
    ...context,
    openJumpHost: (jumpHost) => openAlong(jumpHost, context),
  });
  const { carryOver } = await loading;
  return carryOver(bastion, context.mayOpenSession, context.logger);
}

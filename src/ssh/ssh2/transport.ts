import type { SshTarget } from '../ssh-target.ts';
import type { Ssh2Transport } from './connected-transport.ts';
import { type ConnectContext, connectBastion } from './connection/connect.ts';

/**
 * Connects to a bastion, each jump host before what it leads to, and carries flows as direct-tcpip channels. A session channel is opened
 * where it may and can be (`deliverPromptly`), and never needed.
 *
 * @throws TshuttleError as `connectBastion` does; nothing is left behind then
 */
export async function openSsh2Transport(
  target: SshTarget,
  context: ConnectContext & { readonly mayOpenSession: boolean },
): Promise<Ssh2Transport> {
  const bastion = await connectBastion(target, {
    ...context,
    openJumpHost: (jumpHost) => openSsh2Transport(jumpHost, context),
  });
  // The build has it in one file with the handshake, which is loaded by now.
  const { carryOver } = await import('./connected-transport.ts');
  return carryOver(bastion, context.mayOpenSession, context.logger);
}

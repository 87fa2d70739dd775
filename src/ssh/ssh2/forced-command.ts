import type { ChannelMux } from './channels/channel-mux.ts';
import type { ConnectedBastion } from './connection/connect.ts';

/**
 * Resolves where a session may run what it is asked to, as far as the key's options tell; where the server's configuration forces a
 * command, that runs once in its place.
 *
 * @throws Error with a reason for people
 */
export async function expectNoForcedCommand(
  mux: ChannelMux,
  bastion: Pick<ConnectedBastion, 'client' | 'keyOptions'>,
): Promise<void> {
  // sshd tells the key's options before it answers this.
  await new Promise<void>((resolve, reject) => {
    const onClose = (): void => reject(new Error('the connection ended'));
    bastion.client.once('close', onClose);
    mux.wire.ping(() => {
      bastion.client.off('close', onClose);
      resolve();
    });
  });
  if (bastion.keyOptions().some(({ forcesCommand }) => forcesCommand)) {
    throw new Error('the key may run one command only');
  }
}

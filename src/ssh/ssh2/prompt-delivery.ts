import type { Logger } from '../../core/log.ts';
import { setQuickAck } from '../../net/native/tcp.ts';
import type { ChannelMux } from './channels/channel-mux.ts';
import type { ConnectedBastion } from './connection/connect.ts';

/** Larger reads come from bulk, in which no acknowledgement is delayed. */
const BULK_READ_BYTES = 16 * 1024;

/**
 * Makes the bastion send small answers at once.
 *
 * sshd leaves Nagle's algorithm on for a connection that has never had a session: the second of two small segments waits
 * for our acknowledgement, one round trip, and 40 ms where that is delayed (native-notes/nagle.md). So one session runs
 * `true`, if the bastion allows it; its fate is ignored. It is not tried where it would run something else: a command that
 * the key forces. Without it, our acknowledgements are not delayed.
 *
 * @param mayOpenSession false for a user who wants no session at all
 */
export function deliverPromptly(
  mux: ChannelMux,
  bastion: ConnectedBastion,
  mayOpenSession: boolean,
  logger: Logger,
): void {
  const { socket } = bastion;
  const acknowledge = (bytes: Buffer): void => {
    if (bytes.length < BULK_READ_BYTES) setQuickAck(socket);
  };
  socket.on('data', acknowledge);
  if (!mayOpenSession) return;
  // sshd tells the key's options before it answers this.
  mux.wire.ping(() => {
    if (bastion.keyOptions().some(({ forcesCommand }) => forcesCommand) || !socket.writable) return;
    const session = mux.openSession(
      { kind: 'exec', command: 'true' },
      {
        sessionStarted: () => socket.off('data', acknowledge),
        sessionOver: (why) => {
          if (why !== undefined) logger.debug(`no session on the bastion, which is no harm: ${why}`);
        },
      },
    );
    session.endInput();
  });
}

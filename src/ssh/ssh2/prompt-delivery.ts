import type { Logger } from '../../core/log.ts';
import { setQuickAck } from '../../net/native-tcp.ts';
import type { ConnectedBastion } from './connect.ts';
import { sendKeepalive } from './connection-internals.ts';

/** A session that says more than this is none that just ends: it is closed. */
const MAX_SESSION_OUTPUT_BYTES = 64 * 1024;

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
export function deliverPromptly(bastion: ConnectedBastion, mayOpenSession: boolean, logger: Logger): void {
  const { client, socket } = bastion;
  const acknowledge = (bytes: Buffer): void => {
    if (bytes.length < BULK_READ_BYTES) setQuickAck(socket);
  };
  socket.on('data', acknowledge);
  if (!mayOpenSession) return;
  // sshd tells the key's options before it answers this.
  sendKeepalive(client, () => {
    if (bastion.keyOptions().some(({ forcesCommand }) => forcesCommand) || !socket.writable) return;
    client.exec('true', (refused, session) => {
      if (refused) {
        logger.debug(`no session on the bastion, which is no harm: ${refused.message}`);
        return;
      }
      socket.off('data', acknowledge);
      let outputBytes = 0;
      const discard = (bytes: Buffer): void => {
        outputBytes += bytes.length;
        if (outputBytes > MAX_SESSION_OUTPUT_BYTES) session.close();
      };
      session.on('error', () => {});
      session.on('data', discard);
      session.stderr.on('data', discard);
      session.end();
    });
  });
}

import { TshuttleError } from '../../core/errors.ts';
import { canStartNewSession, releaseStandardStreams, startNewSession } from '../../net/native/process.ts';
import {
  isMessage,
  type ReadyMessage,
  type StartMessage,
  type TunnelOrder,
  type TunnelOutcome,
} from './protocol.ts';

/** The way back to the command that started this process as a daemon. */
export interface Launcher {
  readonly tunnels: readonly TunnelOrder[];
  /**
   * Leaves terminal and session, and lets the command end with success.
   *
   * @throws TshuttleError ERR_INTERNAL when the terminal could not be left, or the command is gone.
   */
  detach(outcomes: readonly TunnelOutcome[]): Promise<void>;
}

/**
 * Waits for what the command has to say.
 *
 * @param onAbandoned called when the command ended or gave up before {@link Launcher.detach}
 * @throws TshuttleError ERR_INTERNAL when it is gone already
 */
export async function meetLauncher(onAbandoned: () => void): Promise<Launcher> {
  process.once('disconnect', onAbandoned);
  // It may have been gone before anybody listened, and is not told again.
  if (!process.connected) {
    onAbandoned();
    throw abandoned();
  }
  const tunnels = await new Promise<readonly TunnelOrder[]>((resolve, reject) => {
    process.once('message', (message) => {
      if (isMessage<StartMessage>(message, 'start')) resolve(message.tunnels);
      else
        reject(new TshuttleError('ERR_INTERNAL', 'the daemon was started with a message it does not know'));
    });
    process.once('disconnect', () => reject(abandoned()));
  });
  return {
    tunnels,
    async detach(outcomes) {
      if (!process.connected) throw abandoned();
      // Else it was started in one of its own.
      if (canStartNewSession()) startNewSession();
      releaseStandardStreams();
      process.removeListener('disconnect', onAbandoned);
      const ready: ReadyMessage = { kind: 'ready', outcomes };
      await new Promise<void>((resolve, reject) => {
        process.send!(ready, undefined, undefined, (error) =>
          error === null ? resolve() : reject(abandoned()),
        );
      });
      process.disconnect();
    },
  };
}

function abandoned(): TshuttleError {
  return new TshuttleError('ERR_INTERNAL', 'the command that started the daemon ended before it was ready');
}

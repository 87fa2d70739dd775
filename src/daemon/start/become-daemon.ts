import { TshuttleError } from '../../core/errors.ts';
import { canStartNewSession, releaseStandardStreams, startNewSession } from '../../net/native/process.ts';
import {
  type AnswerMessage,
  type Asker,
  isMessage,
  type QuestionMessage,
  type ReadyMessage,
  type ShowMessage,
  type StartMessage,
  type TunnelOrder,
  type TunnelOutcome,
} from './protocol.ts';

/** The way back to the command that started this process as a daemon. */
export interface Launcher {
  readonly tunnels: readonly TunnelOrder[];
  /** Undefined for a process that is on the terminal itself until it leaves. */
  readonly asker: Asker | undefined;
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
  const { tunnels, canAsk } = await new Promise<StartMessage>((resolve, reject) => {
    process.once('message', (message) => {
      if (isMessage<StartMessage>(message, 'start')) resolve(message);
      else
        reject(new TshuttleError('ERR_INTERNAL', 'the daemon was started with a message it does not know'));
    });
    process.once('disconnect', () => reject(abandoned()));
  });
  return {
    tunnels,
    asker: canStartNewSession() ? undefined : new LauncherAsker(canAsk),
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

/** Has the command ask. Nobody is there once it has ended, or was told that all is ready. */
class LauncherAsker implements Asker {
  readonly #canAsk: boolean;
  #latest: Promise<unknown> = Promise.resolve();

  constructor(canAsk: boolean) {
    this.#canAsk = canAsk;
  }

  get available(): boolean {
    return this.#canAsk && process.connected;
  }

  ask(question: string, { echo }: { readonly echo: boolean }): Promise<string | undefined> {
    const answer = this.#latest.then(() => this.#send({ kind: 'question', question, echo }));
    this.#latest = answer;
    return answer;
  }

  show(text: string): void {
    const message: ShowMessage = { kind: 'show', text };
    if (this.available) process.send!(message, undefined, undefined, () => {});
  }

  #send(message: QuestionMessage): Promise<string | undefined> {
    if (!this.available) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (answer: string | undefined): void => {
        process.off('message', onMessage).off('disconnect', onGone);
        resolve(answer);
      };
      const onGone = (): void => settle(undefined);
      const onMessage = (reply: unknown): void => {
        if (isMessage<AnswerMessage>(reply, 'answer')) settle(reply.answer);
      };
      process.on('message', onMessage).on('disconnect', onGone);
      process.send!(message, undefined, undefined, (error) => {
        if (error !== null) onGone();
      });
    });
  }
}

function abandoned(): TshuttleError {
  return new TshuttleError('ERR_INTERNAL', 'the command that started the daemon ended before it was ready');
}

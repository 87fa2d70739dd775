import type { AnyAuthMethod, AuthHandlerMiddleware, Client, NextAuthHandler } from 'ssh2';
import { KeyUnavailableError } from '../../keys/signing-key.ts';
import type { AuthenticationAttempt, KeyboardInteractiveRound } from '../../login/authentication-messages.ts';
import type { Authenticator } from '../../login/authenticator.ts';
import { KeySigner, onRoundWithoutQuestions } from '../internals/connection-internals.ts';
import type { HandshakeClock } from './handshake-clock.ts';

/** Dependencies of {@link AuthenticationDriver}, beside the authenticator. */
export interface DriverContext {
  readonly user: string;
  /** Stands still while a key signs: the agent may be asking its user. */
  readonly clock: HandshakeClock;
  /** Whether nothing may be sent any more. */
  isOver(): boolean;
  /** Called when the authenticator has nothing left, or something unexpected happened. */
  onFailed(error: unknown): void;
}

/**
 * Translates between ssh2's `authHandler` and an {@link Authenticator}.
 *
 * ssh2's own agent method is never used: it loses the bastion's partial success (native-notes/ssh2-connection-internals.md).
 */
export class AuthenticationDriver {
  readonly #authenticator: Authenticator;
  readonly #context: DriverContext;
  readonly #signer: KeySigner;
  /** The same function at every call of ssh2; valid at any time after the first. */
  #send: NextAuthHandler | undefined;
  /** A round of keyboard-interactive waits for its answers. */
  #isAnswering = false;

  constructor(authenticator: Authenticator, context: DriverContext) {
    this.#authenticator = authenticator;
    this.#context = context;
    this.#signer = new KeySigner((error) => this.#drive(authenticator.nextAfterLocalFailure(error)));
  }

  /** Takes over the signing of a client, from right after its `connect()`. */
  attach(client: Client): void {
    this.#signer.attach(client);
    onRoundWithoutQuestions(client, (round, answer) => {
      this.#answer({ ...round, prompts: [] }, () => answer());
    });
  }

  /** @param finish sends the answers */
  #answer(round: KeyboardInteractiveRound, finish: (answers: string[]) => void): void {
    if (this.#isAnswering) {
      this.#context.onFailed(new Error('it asks again before it has an answer'));
      return;
    }
    this.#isAnswering = true;
    this.#authenticator
      .answer(round)
      .then((answers) => {
        this.#isAnswering = false;
        if (!this.#context.isOver()) finish(answers);
      })
      .catch((error: unknown) => this.#context.onFailed(error));
  }

  /** ssh2's `authHandler`: called before the first attempt and after each one that was not enough. */
  readonly onReply: AuthHandlerMiddleware = (methodsLeft, partialSuccess, send) => {
    this.#send = send;
    // null, whatever the types say, before the bastion has answered anything.
    const reply = methodsLeft === null ? undefined : { methodsLeft, partialSuccess };
    this.#drive(this.#authenticator.next(reply));
  };

  #drive(decision: Promise<AuthenticationAttempt>): void {
    decision
      .then((attempt) => {
        if (this.#context.isOver()) return;
        const method = this.#methodFor(attempt);
        if (method !== undefined) this.#send?.(method);
        else {
          const unreadable = new KeyUnavailableError('ssh2 cannot read a key of this kind');
          this.#drive(this.#authenticator.nextAfterLocalFailure(unreadable));
        }
      })
      .catch((error: unknown) => this.#context.onFailed(error));
  }

  #methodFor(attempt: AuthenticationAttempt): AnyAuthMethod | undefined {
    const username = this.#context.user;
    switch (attempt.kind) {
      case 'none':
        return { type: 'none', username };
      case 'password':
        return { type: 'password', username, password: attempt.password };
      case 'publickey': {
        const { key } = attempt;
        const standIn = this.#signer.standIn({
          ...key,
          sign: (data, algorithm) => this.#context.clock.pausedWhile(key.sign(data, algorithm)),
        });
        return standIn === undefined ? undefined : { type: 'publickey', username, key: standIn };
      }
      case 'keyboard-interactive':
        return {
          type: 'keyboard-interactive',
          username,
          prompt: (name, instructions, _language, prompts, finish) => {
            this.#answer({ name, instructions, prompts }, finish);
          },
        };
    }
  }
}

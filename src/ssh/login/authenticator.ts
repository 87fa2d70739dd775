import { messageOf, type TshuttleError } from '../../core/errors.ts';
import { printable, printableLine } from '../../core/printable.ts';
import type { Secret } from '../../core/secret.ts';
import { keyCandidates } from '../keys/key-candidates.ts';
import { KeyUnavailableError, type SigningKey } from '../keys/signing-key.ts';
import type { AuthenticationMethod, SshTarget } from '../ssh-target.ts';
import {
  type AuthenticationRecord,
  authenticationError,
  type OfferedCredential,
} from './authentication-error.ts';
import type {
  AuthenticationAttempt,
  AuthenticationReply,
  AuthenticatorContext,
  KeyboardInteractiveRound,
} from './authentication-messages.ts';
import { OneTimeCode } from './one-time-code.ts';

/** sshd knows half a dozen; more than this is not worth showing. */
const MAX_SHOWN_METHODS = 8;

/** sshd's MaxAuthTries is 6; with more refused keys it cuts the connection instead of saying no. */
const OFFERED_KEY_LIMIT = 5;

/** Prompts that the password of the command line is no answer to. */
const ONE_TIME_CODE = /code|token|otp|verif|factor|duo/i;

/**
 * Decides what to authenticate with, one attempt after another, until the bastion is content or nothing is left.
 *
 * ```
 * none ── methods ──> publickey* ──> keyboard-interactive* ──> password* ──> ERR_BASTION_AUTH
 *                        └───────────── partial success: from the start, with the methods it names
 * ```
 */
export class Authenticator {
  readonly #target: SshTarget;
  readonly #context: AuthenticatorContext;
  readonly #keys: AsyncGenerator<SigningKey, void, undefined>;
  readonly #record: AuthenticationRecord = {
    refused: [],
    notes: [],
    accepted: [],
    wanted: [],
    keysLeftOut: false,
  };
  #offeredKeys = 0;
  #password: Secret | undefined;
  #asked: Record<Exclude<AuthenticationMethod, 'publickey'>, number> = {
    'keyboard-interactive': 0,
    password: 0,
  };
  readonly #code: OneTimeCode;
  #current: OfferedCredential | undefined;
  /** An answer of the user's, or the given password, was refused, and they have not been told. */
  #hasUntoldRefusal = false;

  constructor(target: SshTarget, context: AuthenticatorContext) {
    this.#target = target;
    this.#context = context;
    this.#code = new OneTimeCode(context.prompter);
    this.#password = target.authentication.password;
    this.#keys = keyCandidates(target.authentication, {
      ...context,
      note: (reason, remedy) => this.#note(reason, remedy),
    });
  }

  /**
   * The next attempt.
   *
   * @param reply the bastion's answer to the last one; undefined before the first
   * @throws TshuttleError ERR_BASTION_AUTH when nothing is left to try.
   */
  async next(reply: AuthenticationReply | undefined): Promise<AuthenticationAttempt> {
    if (reply === undefined) return { kind: 'none' };
    this.#onReply(reply);
    for (const method of this.#target.authentication.methods) {
      if (!reply.methodsLeft.includes(method)) continue;
      const attempt = await this.#attempt(method);
      if (attempt !== undefined) return attempt;
    }
    throw this.failure();
  }

  /** As {@link Authenticator.next}, when the last attempt failed on our side and the bastion has said nothing. */
  async nextAfterLocalFailure(error: unknown): Promise<AuthenticationAttempt> {
    this.#note(messageOf(error), error instanceof KeyUnavailableError ? error.remedy : undefined);
    this.#current = undefined;
    return await this.next({ methodsLeft: this.#record.wanted, partialSuccess: false });
  }

  /**
   * Answers one round of keyboard-interactive.
   *
   * @throws TshuttleError ERR_BASTION_AUTH when nobody can be asked, or no answer was given.
   */
  async answer(round: KeyboardInteractiveRound): Promise<string[]> {
    this.#context.onInteractive?.();
    if (round.prompts.length > 0) this.#current = { method: 'keyboard-interactive', description: 'answers' };
    const heading = printable(
      [round.name, round.instructions].filter((text) => text !== '').join('\n'),
    ).trim();
    const { prompter, logger } = this.#context;
    if (heading !== '' && prompter.available) prompter.show(heading);
    else if (heading !== '') logger.info(`the bastion says: ${printableLine(heading)}`);
    const answers: string[] = [];
    for (const { prompt, echo = false } of round.prompts) {
      const isCode = ONE_TIME_CODE.test(prompt);
      const question = `(${this.#account()}) ${printable(prompt)}`;
      const password = echo || isCode ? undefined : this.#takePassword();
      answers.push(
        password ?? (isCode ? await this.#askForCode(question, echo) : await this.#ask(question, echo)),
      );
    }
    return answers;
  }

  /** Whether the bastion was given something that it may have found wrong: then its silence is an answer, too. */
  get mayBeRefused(): boolean {
    const isSecret = this.#current !== undefined && this.#current.method !== 'publickey';
    return isSecret || this.#record.refused.length > 0;
  }

  /** The error for an authentication that is over, with all that was tried. */
  failure(cause?: unknown): TshuttleError {
    if (this.#current !== undefined) this.#record.refused.push(this.#current);
    this.#current = undefined;
    return authenticationError(this.#target, this.#record, cause);
  }

  /** Ends the reading of keys. Idempotent. */
  async close(): Promise<void> {
    await this.#keys.return();
  }

  #onReply(reply: AuthenticationReply): void {
    const last = this.#current;
    this.#current = undefined;
    // The bastion's words: they are shown to the user.
    this.#record.wanted = reply.methodsLeft.slice(0, MAX_SHOWN_METHODS).map(printableLine);
    if (last === undefined) return;
    if (reply.partialSuccess) {
      this.#record.accepted.push(last.method);
      this.#asked = { 'keyboard-interactive': 0, password: 0 };
    } else {
      this.#record.refused.push(last);
      this.#hasUntoldRefusal ||= last.description === 'password' || last.description === 'answers';
    }
    this.#context.logger.debug(
      `authentication: ${last.method} (${last.description}) ${reply.partialSuccess ? 'accepted, more is wanted' : 'refused'}`,
    );
  }

  async #attempt(method: AuthenticationMethod): Promise<AuthenticationAttempt | undefined> {
    switch (method) {
      case 'publickey':
        return await this.#offerKey();
      case 'keyboard-interactive':
        return this.#startKeyboardInteractive();
      case 'password':
        return await this.#sendPassword();
    }
  }

  async #offerKey(): Promise<AuthenticationAttempt | undefined> {
    const { done, value: key } = await this.#keys.next();
    if (done === true || key === undefined) return undefined;
    if (this.#offeredKeys >= OFFERED_KEY_LIMIT) {
      this.#record.keysLeftOut = true;
      await this.#keys.return();
      return undefined;
    }
    this.#offeredKeys += 1;
    this.#current = { method: 'publickey', description: key.description };
    return { kind: 'publickey', key };
  }

  #startKeyboardInteractive(): AuthenticationAttempt | undefined {
    if (!this.#mayAsk('keyboard-interactive')) return undefined;
    this.#asked['keyboard-interactive'] += 1;
    this.#current = { method: 'keyboard-interactive', description: 'unasked' };
    return { kind: 'keyboard-interactive' };
  }

  async #sendPassword(): Promise<AuthenticationAttempt | undefined> {
    if (!this.#mayAsk('password')) return undefined;
    this.#asked.password += 1;
    const password = this.#takePassword() ?? (await this.#ask(`${this.#account()}'s password: `, false));
    this.#current = { method: 'password', description: 'password' };
    return { kind: 'password', password };
  }

  /** Whether there is another answer to be had: the given password, or the user; or perhaps none is asked for. */
  #mayAsk(method: Exclude<AuthenticationMethod, 'publickey'>): boolean {
    const { prompter, onInteractive } = this.#context;
    const { batchMode, promptCount } = this.#target.authentication;
    if (this.#password !== undefined || prompter.available) {
      const isAskedOnce = prompter.available && !prompter.mayAskAgain;
      const mostTimes = isAskedOnce ? 1 : Math.max(1, promptCount);
      return this.#asked[method] < mostTimes || (method === 'keyboard-interactive' && this.#code.hasNext());
    }
    // What lets in without a question (a push to a telephone, an exemption) needs nobody here.
    const mayBeUnasked = method === 'keyboard-interactive' && onInteractive !== undefined;
    if (mayBeUnasked && !batchMode) return this.#asked[method] === 0;
    if (this.#asked[method] === 0) this.#note(`${method} was not tried: there is no terminal to ask on`);
    return false;
  }

  async #askForCode(question: string, echo: boolean): Promise<string> {
    if (this.#code.isNext)
      this.#context.logger.warn('the one-time code was refused: waiting for the next one');
    const code = await this.#code.ask(() => this.#ask(question, echo));
    if (code !== undefined) return code;
    this.#current = undefined;
    this.#note('the next one-time code is the same as the one that was refused');
    throw this.failure();
  }

  #takePassword(): string | undefined {
    const password = this.#password?.reveal();
    this.#password = undefined;
    return password;
  }

  async #ask(question: string, echo: boolean): Promise<string> {
    const { prompter } = this.#context;
    if (prompter.available && this.#hasUntoldRefusal) prompter.show('permission denied, please try again');
    this.#hasUntoldRefusal = false;
    const answer = prompter.available ? await prompter.ask(question, { echo }) : undefined;
    if (answer !== undefined) return answer;
    // The bastion has not got it, so it has not refused it.
    this.#current = undefined;
    const why = prompter.available ? 'no answer was given' : 'there is no terminal to ask on';
    this.#note(`the bastion asked '${printableLine(question)}' and ${why}`);
    throw this.failure();
  }

  #account(): string {
    return `${this.#target.user}@${this.#target.host}`;
  }

  #note(reason: string, remedy?: string): void {
    this.#context.logger.debug(`authentication: ${reason}`);
    if (this.#record.notes.some((note) => note.reason === reason)) return;
    this.#record.notes.push({ reason, remedy });
  }
}

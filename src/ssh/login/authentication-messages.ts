import type { Logger } from '../../core/log.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import type { Prompter } from '../prompter.ts';

/** The next message to the bastion. */
export type AuthenticationAttempt =
  | { readonly kind: 'none' }
  | { readonly kind: 'publickey'; readonly key: SigningKey }
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'keyboard-interactive' };

/** The bastion's answer to an attempt that did not complete the authentication (RFC 4252 section 5.1). */
export interface AuthenticationReply {
  readonly methodsLeft: readonly string[];
  readonly partialSuccess: boolean;
}

/** One SSH_MSG_USERAUTH_INFO_REQUEST (RFC 4256 section 3.2). */
export interface KeyboardInteractiveRound {
  readonly name: string;
  readonly instructions: string;
  readonly prompts: ReadonlyArray<{ readonly prompt: string; readonly echo?: boolean }>;
}

/** What an `Authenticator` needs beside the target. */
export interface AuthenticatorContext {
  readonly prompter: Prompter;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /**
   * Called when the bastion asks by keyboard-interactive, though perhaps nobody here: it may ring a telephone; or a key asks. Without
   * it, and with nobody to ask, keyboard-interactive is not tried.
   */
  readonly onInteractive?: (() => void) | undefined;
}

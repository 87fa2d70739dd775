/** Every expected failure of tshuttle has one of these codes; the README's exit-code table is made from them. */
export type ErrorCode =
  | 'ERR_USAGE'
  | 'ERR_CONFIG'
  | 'ERR_BASTION_UNREACHABLE'
  | 'ERR_BASTION_AUTH'
  | 'ERR_BASTION_LOST'
  | 'ERR_CHANNEL_REFUSED'
  | 'ERR_HOST_KEY'
  | 'ERR_NO_INTERCEPTOR'
  | 'ERR_NO_PRIVILEGE'
  | 'ERR_INTERCEPT_APPLY'
  | 'ERR_HELPER_PROTOCOL'
  | 'ERR_HELPER_LOST'
  | 'ERR_RULES_REMOVED'
  | 'ERR_LISTEN'
  | 'ERR_ORIGINAL_DST'
  | 'ERR_CLEANUP'
  | 'ERR_ALREADY_RUNNING'
  | 'ERR_API_UNREACHABLE'
  | 'ERR_API_CERTIFICATE'
  | 'ERR_API_REFUSED'
  | 'ERR_API_ANSWER'
  | 'ERR_INTERNAL';

/** What a {@link TshuttleError} may carry beside its code and message. */
export interface TshuttleErrorOptions {
  /** One line that tells the user what to do about it; printed below the message. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * The one error type of failed operations.
 *
 * Branch on `code`, never on the message. The message names what failed and where; `remedy` what the user can do.
 */
export class TshuttleError extends Error {
  override readonly name = 'TshuttleError';
  readonly code: ErrorCode;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, options: TshuttleErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** The message of whatever was thrown, for a sentence of our own. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a Node.js system error (`ECONNREFUSED`, ...), if it has one. */
export function systemCodeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

import { TshuttleError } from '../../core/errors.ts';
import { LoginCutOff } from '../../ssh/login/login-cut-off.ts';

/**
 * While flows wait: 0.2, 0.5 and 1 s after the loss, then every 2 s, from the beginning of an attempt to that of the
 * next one.
 */
const WANTED_INTERVALS_MS = [200, 300, 500] as const;
const WANTED_INTERVAL_MS = 2_000;

/** While nobody waits: twice as long after each failure. */
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/** Logins that may break off in a row without a word: each may count as a failed one at the bastion. */
const MAX_CUT_OFF_LOGINS = 5;

/** What the time of the next attempt depends on. */
export interface AttemptSituation {
  /** Attempts in a row that have failed. */
  readonly failures: number;
  /** Whether something waits for the connection. */
  readonly isWanted: boolean;
  /** How long ago the last attempt began, or the connection was lost. */
  readonly elapsedMs: number;
  /** From 0 to 1, for the jitter: clients that lost the same bastion do not come back at once. */
  readonly random: number;
}

/** How long to wait before the next attempt, in ms. */
export function nextAttemptDelayMs({ failures, isWanted, elapsedMs, random }: AttemptSituation): number {
  if (isWanted) {
    return Math.max(0, (WANTED_INTERVALS_MS[failures] ?? WANTED_INTERVAL_MS) - elapsedMs);
  }
  const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures, 10));
  return backoffMs * (0.5 + random / 2);
}

/**
 * What a failed attempt to connect asks for. Only the way to the bastion is worth another try: a login that is refused is
 * not, nor a host key, since nothing but the user will change it, and a bastion may ban who tries for ever.
 *
 * @param cutOffLogins how many logins before it broke off in a row
 */
export function afterFailure(error: unknown, cutOffLogins: number): 'try again' | 'wait for the user' {
  if (isCutOffLogin(error) && cutOffLogins + 1 >= MAX_CUT_OFF_LOGINS) return 'wait for the user';
  if (!(error instanceof TshuttleError)) return 'try again';
  switch (error.code) {
    case 'ERR_BASTION_AUTH':
    case 'ERR_HOST_KEY':
    case 'ERR_CONFIG':
    case 'ERR_USAGE':
      return 'wait for the user';
    default:
      return 'try again';
  }
}

/** Whether the connection went away in the middle of a login. */
export function isCutOffLogin(error: unknown): boolean {
  return error instanceof TshuttleError && error.cause instanceof LoginCutOff;
}

import { type ErrorCode, TshuttleError } from '../core/errors.ts';

/** A stop that was asked for: SIGTERM, or the terminal went away. */
export const EXIT_STOPPED = 0;
/** Ctrl-C: 128 and the number of SIGINT, as shells do it. Also a `-D` that was stopped before it was ready. */
export const EXIT_INTERRUPTED = 130;
/** A bug of ours. */
export const EXIT_INTERNAL = 70;

/**
 * The exit code of every expected failure, after sysexits.h where it has a number for it, so that a service manager can
 * tell what is worth another try (75) from what is not (64, 77, 78).
 */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  ERR_USAGE: 64,
  ERR_CONFIG: 78,
  ERR_BASTION_UNREACHABLE: 68,
  ERR_BASTION_AUTH: 77,
  ERR_BASTION_LOST: 75,
  ERR_CHANNEL_REFUSED: 68,
  ERR_HOST_KEY: 76,
  ERR_NO_INTERCEPTOR: 69,
  ERR_NO_PRIVILEGE: 77,
  ERR_INTERCEPT_APPLY: 71,
  ERR_HELPER_PROTOCOL: 70,
  ERR_HELPER_LOST: 71,
  ERR_RULES_REMOVED: 75,
  ERR_LISTEN: 71,
  ERR_ORIGINAL_DST: 71,
  ERR_CLEANUP: 71,
  ERR_ALREADY_RUNNING: 64,
  ERR_API_UNREACHABLE: 68,
  ERR_API_CERTIFICATE: 76,
  ERR_API_REFUSED: 77,
  ERR_API_ANSWER: 76,
  ERR_INTERNAL: EXIT_INTERNAL,
};

/** What each exit code means, for the manual. */
export const EXIT_MEANINGS: ReadonlyArray<readonly [code: number, meaning: string]> = [
  [EXIT_STOPPED, 'stopped as asked'],
  [64, 'wrong usage, or a daemon for this bastion is running already'],
  [68, 'bastion unreachable'],
  [69, 'no usable way to redirect'],
  [EXIT_INTERNAL, 'internal error'],
  [71, 'the system refused'],
  [75, 'the bastion or the redirect rules were lost, with --on-down exit; trying again is sensible'],
  [76, 'host key unknown or changed'],
  [77, 'root or the login was refused'],
  [78, 'configuration'],
  [EXIT_INTERRUPTED, 'Ctrl-C'],
];

/** The exit code for whatever was thrown. Of several failures the first expected one decides. */
export function exitCodeOf(thrown: unknown): number {
  const expected = failuresIn(thrown).find((failure) => failure instanceof TshuttleError);
  return expected === undefined ? EXIT_INTERNAL : EXIT_CODES[expected.code];
}

/** What another try cannot mend: usage, a host key, refused logins, configuration. systemd is told so by the unit. */
const NOT_WORTH_ANOTHER_TRY: ReadonlySet<number> = new Set([64, 76, 77, 78]);

/** Whether what has ended with this code may do so no more if it is only started again. */
export function isWorthAnotherTry(exitCode: number): boolean {
  return !NOT_WORTH_ANOTHER_TRY.has(exitCode);
}

/**
 * What a process ends with that launchd has started, which starts again whatever fails and cannot be told of codes: as in order where
 * another try would not help, so that a bastion sees no login that it refuses every 10 s.
 */
export function exitCodeForLaunchd(exitCode: number): number {
  return isWorthAnotherTry(exitCode) ? exitCode : EXIT_STOPPED;
}

/** Takes apart what was thrown together ({@link AggregateError}), one level after the other. */
export function failuresIn(thrown: unknown): readonly unknown[] {
  return thrown instanceof AggregateError ? thrown.errors.flatMap(failuresIn) : [thrown];
}

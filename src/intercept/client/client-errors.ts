import { TshuttleError } from '../../core/errors.ts';
import { systemWords } from '../../core/systems/system-words.ts';

/** How the helper's child process ended: one of the two is set, or neither when it never ran. */
export interface HelperExit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What sudo says beside the reason, in a line of its own. */
const SUDO_ASIDE = /^(?:This incident |sudo: unable to resolve host )/;

/** What sudo did instead of running the helper; of `sudoLines`, what it said, the last gives the reason. */
export function privilegeError(what: string, sudoLines: readonly string[]): TshuttleError {
  const reason = sudoLines.findLast((line) => !SUDO_ASIDE.test(line)) ?? what;
  const message = `no root for the redirect rules: ${reason.replace(/\.(?:\s+This incident .*)?$/, '')}`;
  return new TshuttleError('ERR_NO_PRIVILEGE', message, { remedy: privilegeRemedy(sudoLines.join('\n')) });
}

/** Whether sudo would ask for a password, and could not: by the words of sudo, and of sudo-rs. */
export function wantsPassword(said: string): boolean {
  return /(?:a password|a terminal|interactive authentication) is required/i.test(said);
}

/** By the words of sudo, and of sudo-rs (native-notes/sudo-helper.md). */
function privilegeRemedy(said: string): string {
  if (/terminal|askpass/.test(said) || wantsPassword(said)) {
    return 'run tshuttle on a terminal, or as root, or once tshuttle sudoers --install, after which it asks for no password';
  }
  if (/incorrect (?:password|authentication)|try again/.test(said)) {
    return 'enter the right password, run tshuttle as root, or allow the helper in sudoers';
  }
  const { withoutRoot } = systemWords();
  if (/sudoers|not allowed|may not run|I'm afraid I can't do that/.test(said))
    return `${withoutRoot}; for rules ask for a sudoers entry`;
  return `run tshuttle as root, or allow the helper in sudoers; ${withoutRoot}`;
}

/** The command itself could not be started. */
export function cannotRunError(file: string | undefined, cause: Error): TshuttleError {
  return new TshuttleError('ERR_NO_PRIVILEGE', `cannot run ${file}: ${cause.message}`, {
    remedy: `run tshuttle as root, or install sudo: ${systemWords().install('sudo')}; ${systemWords().withoutRoot}`,
    cause,
  });
}

/** The helper ended although nobody closed it; `lastError` is what it logged last. */
export function endedError(exit: HelperExit, lastError: string | undefined): TshuttleError {
  const reason = lastError === undefined ? '' : `: ${lastError}`;
  return new TshuttleError('ERR_HELPER_LOST', `the root helper ended with ${renderExit(exit)}${reason}`, {
    remedy: 'its rules are gone, or go with tshuttle cleanup; start tshuttle again',
  });
}

/** The helper said what is not in the grammar, or nothing at all. */
export function protocolError(what: string, cause?: unknown): TshuttleError {
  return new TshuttleError('ERR_HELPER_PROTOCOL', `the root helper broke its protocol: ${what}`, { cause });
}

/** The helper could not undo its rules. */
export function rulesLeftError(reason: string): TshuttleError {
  return new TshuttleError('ERR_CLEANUP', `redirect rules are left: ${reason}`, {
    remedy: 'run tshuttle cleanup',
  });
}

/** `status 1` or `signal SIGKILL`. */
export function renderExit({ status, signal }: HelperExit): string {
  return signal === null ? `status ${status}` : `signal ${signal}`;
}

/** Whether it is the helper that failed, not the system that refused. */
export function isHelperLost(error: unknown): boolean {
  return error instanceof TshuttleError && ['ERR_HELPER_LOST', 'ERR_HELPER_PROTOCOL'].includes(error.code);
}

/** The helper answered, and not to what it was asked. */
export function wrongAnswer(request: string): TshuttleError {
  return new TshuttleError(
    'ERR_HELPER_PROTOCOL',
    `the root helper gave a wrong kind of answer to ${request}`,
  );
}

/** The system refused the rules; `reason` is what it says. */
export function applyError(reason: string, cause?: unknown): TshuttleError {
  return new TshuttleError('ERR_INTERCEPT_APPLY', `the system refused the redirect rules: ${reason}`, {
    remedy: 'try another --method, or fewer subnets',
    cause,
  });
}

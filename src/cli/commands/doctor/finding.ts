import { messageOf, TshuttleError } from '../../../core/errors.ts';
import { remedyOf } from '../../help/error-pages.ts';

/** The result of one check; plain data, for JSON. */
export interface Finding {
  /** The subject of the check, in a word or two. */
  readonly check: string;
  /** A problem stops the job that was named; a note is worth knowing and stops nothing; what is untried nobody knows. */
  readonly status: 'ok' | 'note' | 'untried' | 'problem';
  readonly what: string;
  /** The remedy; null when there is nothing to do. */
  readonly remedy: string | null;
}

/** All is well. */
export function ok(check: string, what: string): Finding {
  return { check, status: 'ok', what, remedy: null };
}

/** Worth knowing. */
export function note(check: string, what: string, remedy: string | null = null): Finding {
  return { check, status: 'note', what, remedy };
}

/** It was named, and could not be tried. */
export function untried(check: string, what: string, remedy: string): Finding {
  return { check, status: 'untried', what, remedy };
}

/** It stops the job. */
export function problem(check: string, what: string, remedy: string): Finding {
  return { check, status: 'problem', what, remedy };
}

/**
 * The same words as an ordinary failure has.
 *
 * @throws whatever is no expected failure
 */
export function problemOf(check: string, thrown: unknown): Finding {
  if (!(thrown instanceof TshuttleError)) throw thrown;
  return problem(check, messageOf(thrown), thrown.remedy ?? remedyOf(thrown.code));
}

import { failuresIn } from '../../app/exit-code.ts';
import { type ErrorCode, TshuttleError } from '../../core/errors.ts';
import { type Problem, problemLines } from '../../core/problem.ts';
import { withSourcePositions } from '../../core/source-positions.ts';
import { remedyOf } from '../help/error-pages.ts';
import { columnsOf, fitLines } from '../rendering/fit-lines.ts';

/** Whether arguments are wrong, or only the files that they name. */
export type ProblemCode = Extract<ErrorCode, 'ERR_USAGE' | 'ERR_CONFIG'>;

/** Renders what was thrown for the user of this standard error: the message and what to do about it; a stack only for a bug of ours. */
export function renderFailure(thrown: unknown): string {
  return failuresIn(thrown).map(renderOne).join('');
}

function renderOne(thrown: unknown): string {
  if (thrown instanceof TshuttleError) {
    return fitError(`tshuttle: ${thrown.message} -> ${thrown.remedy ?? remedyOf(thrown.code)}\n`);
  }
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return `tshuttle: internal error; please report it with these lines:\n${indent(withSourcePositions(stack))}\n`;
}

/** A text for people, as standard error has room for it. */
export function fitError(text: string): string {
  return fitLines(text, columnsOf(process.stderr));
}

/**
 * Renders all that is wrong for standard error, and for wrong arguments where to read how they would be right.
 *
 * @param command the one whose arguments they are
 */
export function renderProblems(problems: readonly Problem[], code: ProblemCode, command?: string): string {
  const lines = problemLines(problems).map((line) => `tshuttle: ${line}\n`);
  if (code === 'ERR_USAGE')
    lines.push(`${indent(`how it is used: tshuttle ${command === undefined ? '' : `${command} `}-h`)}\n`);
  return fitError(lines.join(''));
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

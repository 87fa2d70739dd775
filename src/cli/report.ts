import { type ErrorCode, TshuttleError } from '../core/errors.ts';
import { type Problem, renderProblem } from '../core/problem.ts';
import { withSourcePositions } from '../core/source-positions.ts';
import { failuresIn } from './exit-code.ts';
import { remedyOf } from './manual/error-pages.ts';

/** How many problems are listed: a wrong file of 20,000 lines must not scroll the first mistakes away. */
const PROBLEMS_SHOWN = 20;

/** Whether arguments are wrong, or only the files that they name. */
export type ProblemCode = Extract<ErrorCode, 'ERR_USAGE' | 'ERR_CONFIG'>;

/** Renders what was thrown for the user: a line of the message and what to do about it; a stack only for a bug of ours. */
export function renderFailure(thrown: unknown): string {
  return failuresIn(thrown).map(renderOne).join('');
}

function renderOne(thrown: unknown): string {
  if (thrown instanceof TshuttleError) {
    return `tshuttle: ${thrown.message} -> ${thrown.remedy ?? remedyOf(thrown.code)}\n`;
  }
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return `tshuttle: internal error; please report it with these lines:\n${indent(withSourcePositions(stack))}\n`;
}

/** All that is wrong with the command line or its files, as lines for the user, and not more than can be read. */
export function problemLines(problems: readonly Problem[]): readonly string[] {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map(renderProblem);
  const hidden = problems.length - shown.length;
  return hidden > 0 ? [...shown, `and ${hidden} more like these`] : shown;
}

/** Renders all that is wrong, and for wrong arguments where to read how they would be right. */
export function renderProblems(problems: readonly Problem[], code: ProblemCode): string {
  const lines = problemLines(problems).map((line) => `tshuttle: ${line}\n`);
  if (code === 'ERR_USAGE') lines.push(`${indent('how it is used: tshuttle --help')}\n`);
  return lines.join('');
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

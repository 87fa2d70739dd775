import { TshuttleError } from '../core/errors.ts';
import { type Problem, renderProblem } from '../core/problem.ts';
import { failuresIn } from './exit-code.ts';

/** How many problems are listed: a wrong file of 20,000 lines must not scroll the first mistakes away. */
const PROBLEMS_SHOWN = 20;

/** Renders what was thrown for the user: the message and what to do about it; a stack only for a bug of ours. */
export function renderFailure(thrown: unknown): string {
  return failuresIn(thrown).map(renderOne).join('');
}

function renderOne(thrown: unknown): string {
  if (thrown instanceof TshuttleError) {
    const remedy = thrown.remedy === undefined ? '' : `${indent(thrown.remedy)}\n`;
    return `tshuttle: ${thrown.message}\n${remedy}`;
  }
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return `tshuttle: internal error; please report it with these lines:\n${indent(stack)}\n`;
}

/** Renders all that is wrong with the command line, and where to read how it would be right. */
export function renderProblems(problems: readonly Problem[]): string {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map((problem) => `tshuttle: ${renderProblem(problem)}\n`);
  const hidden = problems.length - shown.length;
  if (hidden > 0) shown.push(`tshuttle: and ${hidden} more like these\n`);
  return `${shown.join('')}${indent('how it is used: tshuttle --help')}\n`;
}

/** Renders a warning that does not belong in the log: it is about the command line. */
export function renderWarning(warning: Problem): string {
  return `tshuttle: warning: ${renderProblem(warning)}\n`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

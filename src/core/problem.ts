/** One thing wrong with the user's input. Problems are values: they are collected, and all of them are shown at once. */
export interface Problem {
  /** Where it stands, as the user wrote it: an argument, or `file:line`. */
  readonly where: string;
  /** What is wrong with it and what would be right, in one sentence without a full stop. */
  readonly what: string;
}

/** Renders a problem as one line, in which an empty word is seen. */
export function renderProblem({ where, what }: Problem): string {
  return `${where.replace(/(^|\S )$/, "$1''")}: ${what}`;
}

/** How many problems are listed: a wrong file of 20,000 lines must not scroll the first mistakes away. */
const PROBLEMS_SHOWN = 20;

/** All that is wrong with the command line or its files, as lines for the user, and not more than can be read. */
export function problemLines(problems: readonly Problem[]): readonly string[] {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map(renderProblem);
  const hidden = problems.length - shown.length;
  return hidden > 0 ? [...shown, `and ${hidden} more like these`] : shown;
}

/** One thing wrong with the user's input. Problems are values: they are collected, and all of them are shown at once. */
export interface Problem {
  /** Where it stands, as the user wrote it: an argument, or `file:line`. */
  readonly where: string;
  /** What is wrong with it and what would be right, in one sentence without a full stop. */
  readonly what: string;
}

/** Renders a problem as one line. */
export function renderProblem(problem: Problem): string {
  return `${problem.where}: ${problem.what}`;
}

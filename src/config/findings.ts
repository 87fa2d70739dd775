import type { Problem } from '../core/problem.ts';

/** What is wrong with the user's input, collected, so that all of it can be shown at once. */
export class Findings {
  readonly #arguments: Problem[] = [];
  readonly #files: Problem[] = [];
  readonly #warnings: Problem[] = [];

  /** Those of arguments first. */
  get problems(): readonly Problem[] {
    return [...this.#arguments, ...this.#files];
  }

  /** What is to be mended: files only where all arguments are right. */
  get blame(): 'arguments' | 'files' {
    return this.#arguments.length > 0 ? 'arguments' : 'files';
  }

  get warnings(): readonly Problem[] {
    return this.#warnings;
  }

  /** An argument is wrong. */
  wrong(where: string, what: string): void {
    this.#arguments.push({ where, what });
  }

  /** A file that an argument names cannot be read, or what it holds is wrong. */
  badFile(where: string, what: string): void {
    this.#files.push({ where, what });
  }

  /** Right, but probably not what the user wants. */
  warn(where: string, what: string): void {
    this.#warnings.push({ where, what });
  }
}

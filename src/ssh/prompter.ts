/**
 * Asks the user. Implemented over the terminal in `cli/`; without a terminal `available` is false and nothing is asked.
 */
export interface Prompter {
  /** Whether there is anybody to ask. */
  readonly available: boolean;
  /**
   * Asks one question.
   *
   * @param question text shown as it is, with its own colon or question mark
   * @param options `echo` shows what is typed; off for secrets
   * @returns the answer without its newline, or undefined when the user gave none (end of input) or nobody is there
   */
  ask(question: string, options: { readonly echo: boolean }): Promise<string | undefined>;
  /** Shows text that needs no answer: banners, fingerprints, instructions. */
  show(text: string): void;
}

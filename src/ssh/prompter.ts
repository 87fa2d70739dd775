/**
 * Asks the user. Implemented in `cli/`, over the terminal or SSH_ASKPASS; with neither, `available` is false and nothing is asked.
 */
export interface Prompter {
  /** Whether there is anybody to ask. */
  readonly available: boolean;
  /** Whether it makes sense to ask again after a wrong answer: a person corrects a slip, a program does not. */
  readonly mayAskAgain: boolean;
  /**
   * Asks one question.
   *
   * @param question text shown as it is, with its own colon or question mark
   * @param options `echo` shows what is typed; off for secrets
   * @returns the answer without its newline, or undefined when the user gave none (end of input) or nobody is there
   */
  ask(question: string, options: { readonly echo: boolean }): Promise<string | undefined>;
  /**
   * Waits until the answer to the question for a one-time code is another one; of a program that gives the code of the moment,
   * which a bastion takes once. Left out where nothing is to be waited for.
   */
  readonly waitForNextCode?: (() => Promise<void>) | undefined;
  /** Shows text that needs no answer: banners, fingerprints, instructions. */
  show(text: string): void;
}

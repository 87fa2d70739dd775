import type { Prompter } from '../prompter.ts';

/**
 * A program's one-time code: one that was refused may have been used within its 30 s already, by a login just before, and then the
 * next one is not. So it is asked for once more when there is another one; the same code is never sent again.
 */
export class OneTimeCode {
  readonly #prompter: Prompter;
  #sent: string | undefined;
  #refused: string | undefined;

  constructor(prompter: Prompter) {
    this.#prompter = prompter;
  }

  /** Whether one that was refused may be followed by the next one; true once. */
  hasNext(): boolean {
    if (this.#prompter.waitForNextCode === undefined) return false;
    if (this.#sent === undefined || this.#refused !== undefined) return false;
    this.#refused = this.#sent;
    return true;
  }

  /** Whether one was refused, so that {@link OneTimeCode.ask} waits. */
  get isNext(): boolean {
    return this.#refused !== undefined;
  }

  /** The code; undefined where it is the one that was refused. */
  async ask(question: () => Promise<string>): Promise<string | undefined> {
    if (this.#refused !== undefined) await this.#prompter.waitForNextCode?.();
    const code = await question();
    if (code === this.#refused) return undefined;
    this.#sent = code;
    return code;
  }
}

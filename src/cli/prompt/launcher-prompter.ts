import type { Asker } from '../../daemon/start/protocol.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import { progressLine } from '../rendering/progress-line.ts';

/** Asks, in a daemon that is on no terminal from its start, on that of the command that starts it. */
export class LauncherPrompter implements Prompter {
  readonly mayAskAgain = true;
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  get available(): boolean {
    return this.#asker.available;
  }

  async ask(question: string, options: { readonly echo: boolean }): Promise<string | undefined> {
    progressLine.hold();
    try {
      return await this.#asker.ask(question, options);
    } finally {
      progressLine.release();
    }
  }

  show(text: string): void {
    progressLine.erase();
    this.#asker.show(text);
  }
}

import type { Prompter } from '../../ssh/prompter.ts';
import type { Connections } from './connections.ts';

/** Dependencies of one attempt to connect. */
export interface Attempt {
  readonly prompter: Prompter;
  readonly signal: AbortSignal;
  /** The user has begun it: also where a login was refused before. */
  readonly isUserInitiated: boolean;
  /** The user is being asked. */
  onAsked(): void;
}

/** Connects once. */
export type OpenConnections = (attempt: Attempt, isFirst: boolean) => Promise<Connections>;

/** Who is told what came of an attempt; nobody is when it was cancelled. */
export interface AttemptOutcomes {
  onConnected(connections: Connections, hasAsked: boolean): void;
  onFailed(error: unknown): void;
}

interface AttemptOptions extends AttemptOutcomes {
  readonly prompter: Prompter;
  /** The user has begun it. */
  readonly isUserInitiated: boolean;
}

/** An attempt to connect, from its beginning on. It takes the place of the one before, and waits for that to be over. */
export class RunningAttempt {
  /** Resolves, never rejects, with why it failed. */
  readonly done: Promise<Error | undefined>;
  readonly #open: OpenConnections;
  readonly #options: AttemptOptions;
  readonly #controller = new AbortController();
  #hasAsked = false;

  constructor(open: OpenConnections, options: AttemptOptions, before?: RunningAttempt) {
    this.#open = open;
    this.#options = options;
    const endBefore = before?.end('another attempt takes its place');
    this.done = this.#runAfter(endBefore);
  }

  /** Not one that the user began, or is being asked for. */
  get isReplaceable(): boolean {
    return !this.#options.isUserInitiated && !this.#hasAsked;
  }

  /** Cancels it. Resolves when it is over. */
  async end(why: string): Promise<void> {
    this.#controller.abort(new Error(why));
    await this.done;
  }

  async #runAfter(before: Promise<void> | undefined): Promise<Error | undefined> {
    await before;
    const { signal } = this.#controller;
    const { prompter, isUserInitiated, onConnected, onFailed } = this.#options;
    const onAsked = (): void => {
      this.#hasAsked = true;
    };
    try {
      const connections = await this.#open({ prompter, signal, isUserInitiated, onAsked }, false);
      if (signal.aborted) {
        await connections.close();
        return signal.reason as Error;
      }
      onConnected(connections, this.#hasAsked);
      return undefined;
    } catch (error) {
      if (!signal.aborted) onFailed(error);
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

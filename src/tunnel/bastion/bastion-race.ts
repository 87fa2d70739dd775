import { NOBODY } from './connections.ts';
import type { Attempt } from './running-attempt.ts';

/** How long one may be without an answer before the next begins, too. A lost SYN is sent again after 1 s. */
const HEAD_START_MS = 750;

/** An attempt at one of several bastions. */
export interface BastionAttempt extends Attempt {
  /** Something has answered on the way to it. */
  onReached(): void;
}

/** What is raced for. */
interface Contest<T> {
  /** Rejects soon after its signal is aborted. */
  open(index: number, attempt: BastionAttempt): Promise<T>;
  /** Of one that came too late. */
  close(value: T): Promise<void>;
}

/** How a race has ended. */
type RaceOutcome<T> =
  | { readonly kind: 'won'; readonly index: number; readonly value: T }
  /** Of each that has failed; of those that were aborted none. */
  | { readonly kind: 'lost'; readonly errors: ReadonlyMap<number, unknown> };

/**
 * Tries several bastions, as Happy Eyeballs does addresses (RFC 8305): in order; the next one begins when one has failed, or was without an
 * answer for so long. The first that is connected wins, and the others are ended.
 *
 * One that has answered is waited for, since an end in the middle of a login counts as a failed one. Nobody is asked by two at once: the first that
 * asks has the floor. The others are ended then, and begun once more if its login fails.
 */
export class BastionRace<T> {
  readonly #waiting: number[];
  readonly #attempt: Attempt;
  readonly #contest: Contest<T>;
  readonly #running = new Map<number, AbortController>();
  readonly #errors = new Map<number, unknown>();
  /** Those that have answered, or ask. */
  readonly #answered = new Set<number>();
  #asking: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #end: ((outcome: RaceOutcome<T>) => void) | undefined;

  /** @param indexes whom to try, in order; at least one */
  constructor(indexes: readonly number[], attempt: Attempt, contest: Contest<T>) {
    this.#waiting = [...indexes];
    this.#attempt = attempt;
    this.#contest = contest;
  }

  /** Once. Never rejects; with the signal of the attempt aborted it is lost, and everything is over. */
  run(): Promise<RaceOutcome<T>> {
    return new Promise((resolve) => {
      this.#end = resolve;
      this.#next();
    });
  }

  /** Begins with the next one, where there is one, and nobody who has answered has to be waited for. */
  #next(): void {
    clearTimeout(this.#timer);
    if (this.#end === undefined) return;
    const isOver = this.#waiting.length === 0 || this.#attempt.signal.aborted;
    if (isOver) {
      if (this.#running.size === 0) this.#over({ kind: 'lost', errors: this.#errors });
      return;
    }
    if (this.#answered.size > 0) return;
    // One that was ended is begun once more only when it is over.
    const place = this.#waiting.findIndex((index) => !this.#running.has(index));
    if (place < 0) return;
    const [index] = this.#waiting.splice(place, 1);
    this.#begin(index!);
    if (this.#waiting.length > 0 && this.#answered.size === 0)
      this.#timer = setTimeout(() => this.#next(), HEAD_START_MS);
  }

  #begin(index: number): void {
    const controller = new AbortController();
    this.#running.set(index, controller);
    const { prompter, signal } = this.#attempt;
    const onReached = (): void => void this.#answered.add(index);
    this.#contest
      .open(index, {
        ...this.#attempt,
        // The very one that stands for nobody is known by its identity.
        prompter: prompter === NOBODY ? prompter : this.#withFloor(index, controller.signal),
        signal: AbortSignal.any([signal, controller.signal]),
        onAsked: () => this.#takeFloor(index, controller.signal),
        onReached,
      })
      .then(
        (value) => this.#won(index, value),
        (error: unknown) => this.#failed(index, error),
      );
  }

  #withFloor(index: number, signal: AbortSignal): Attempt['prompter'] {
    const { prompter } = this.#attempt;
    return {
      get available() {
        return prompter.available;
      },
      mayAskAgain: prompter.mayAskAgain,
      waitForNextCode: prompter.waitForNextCode,
      ask: async (question, options) => {
        this.#takeFloor(index, signal);
        signal.throwIfAborted();
        return await prompter.ask(question, options);
      },
      show: (text) => prompter.show(text),
    };
  }

  #takeFloor(index: number, signal: AbortSignal): void {
    if (signal.aborted || this.#asking === index) return;
    this.#asking = index;
    this.#answered.add(index);
    this.#attempt.onAsked();
    for (const [other, controller] of this.#running) {
      if (other === index) continue;
      controller.abort(new Error('another bastion asks the user'));
      // Once more, if that comes to nothing.
      this.#waiting.unshift(other);
    }
    this.#waiting.sort((a, b) => a - b);
  }

  #won(index: number, value: T): void {
    const isAborted = this.#running.get(index)?.signal.aborted === true || this.#attempt.signal.aborted;
    this.#running.delete(index);
    // One that is closed is not waited for, though it had answered.
    this.#answered.delete(index);
    if (this.#end === undefined || isAborted) {
      void this.#contest.close(value).finally(() => this.#next());
      return;
    }
    for (const controller of this.#running.values())
      controller.abort(new Error('another bastion was faster'));
    this.#over({ kind: 'won', index, value });
  }

  #failed(index: number, error: unknown): void {
    const wasAborted = this.#running.get(index)?.signal.aborted === true;
    this.#running.delete(index);
    this.#answered.delete(index);
    if (this.#asking === index) this.#asking = undefined;
    if (!wasAborted) this.#errors.set(index, error);
    this.#next();
  }

  #over(outcome: RaceOutcome<T>): void {
    clearTimeout(this.#timer);
    const end = this.#end;
    this.#end = undefined;
    end?.(outcome);
  }
}

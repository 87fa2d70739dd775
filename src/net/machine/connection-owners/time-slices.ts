import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work without a pause, in ms: a key that is pressed meanwhile is answered sooner than an eye sees. */
const SLICE_MS = 10;

/** Divides long work that is done at once into slices, between which the event loop does what waits. */
export class TimeSlices {
  #sinceMs = performance.now();

  /** To be called after every few µs of work. */
  async pause(): Promise<void> {
    if (performance.now() - this.#sinceMs < SLICE_MS) return;
    await nextTurn();
    this.#sinceMs = performance.now();
  }

  /** Whether {@link pause} would wait: asking costs less than awaiting. */
  get isOver(): boolean {
    return performance.now() - this.#sinceMs >= SLICE_MS;
  }
}

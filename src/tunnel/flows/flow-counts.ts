import type { FlowProgress } from '../../net/flow.ts';
import type { FlowSummary } from '../../ssh/transport.ts';

/** What all flows come to. */
interface FlowTotals {
  readonly now: number;
  readonly held: number;
  readonly total: number;
  readonly opened: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Counts flows that have begun, and what those have come to that are over. */
export class FlowCounts {
  #total = 0;
  #opened = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  /** A flow begins. */
  begun(): void {
    this.#total += 1;
  }

  /** A flow is over. */
  over({ stage }: FlowProgress, { bytesUp, bytesDown }: FlowSummary): void {
    this.#bytesUp += bytesUp;
    this.#bytesDown += bytesDown;
    if (stage === 'open') this.#opened += 1;
  }

  /** All of them, with those that are not over. */
  totals(open: Iterable<FlowProgress>): FlowTotals {
    let [now, held, opened, bytesUp, bytesDown] = [0, 0, this.#opened, this.#bytesUp, this.#bytesDown];
    for (const progress of open) {
      now += 1;
      if (progress.stage === 'held') held += 1;
      if (progress.stage === 'open') opened += 1;
      bytesUp += progress.bytesUp;
      bytesDown += progress.bytesDown;
    }
    return { now, held, total: this.#total, opened, bytesUp, bytesDown };
  }
}

import type { FlowInfo } from '../../../tunnel/status/status.ts';

/** A flow and how fast it moves. */
export interface MovingFlow extends FlowInfo {
  readonly upBytesPerSec: number;
  readonly downBytesPerSec: number;
}

/** How fast all of it moves, from one look to the next. */
export interface Throughput {
  readonly upBytesPerSec: number;
  readonly downBytesPerSec: number;
}

/** How many looks the graph goes back: as many as the widest terminal has columns. */
const MAX_HISTORY = 300;

interface Counted {
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Makes rates of counters that are looked at again and again. */
export class Rates {
  #atMs: number | undefined;
  #total: Counted | undefined;
  #flows = new Map<string, Counted>();
  readonly #history: Throughput[] = [];

  /** The throughput at each look, the oldest first; bounded. */
  get history(): readonly Throughput[] {
    return this.#history;
  }

  /**
   * Takes a look.
   *
   * @param atMs a monotonic time
   * @param total of the whole tunnel: what flows have moved that are over is in it
   */
  sample(atMs: number, total: Counted, flows: readonly FlowInfo[]): readonly MovingFlow[] {
    const seconds = this.#atMs === undefined ? 0 : (atMs - this.#atMs) / 1_000;
    const moving = flows.map((flow) => ({ ...flow, ...rateOf(flow, this.#flows.get(keyOf(flow)), seconds) }));
    if (this.#total !== undefined) this.#history.push(rateOf(total, this.#total, seconds));
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
    this.#atMs = atMs;
    this.#total = total;
    this.#flows = new Map(flows.map((flow) => [keyOf(flow), flow]));
    return moving;
  }
}

/** Nobody has two flows from one port at once. */
function keyOf({ originator, destination }: FlowInfo): string {
  return `${originator} ${destination}`;
}

function rateOf(now: Counted, before: Counted | undefined, seconds: number): Throughput {
  if (before === undefined || seconds <= 0) return { upBytesPerSec: 0, downBytesPerSec: 0 };
  return {
    upBytesPerSec: Math.max(0, now.bytesUp - before.bytesUp) / seconds,
    downBytesPerSec: Math.max(0, now.bytesDown - before.bytesDown) / seconds,
  };
}

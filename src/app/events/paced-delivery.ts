import type { EventSink, TunnelEvent } from './tunnel-event.ts';

/** So many are told at once, before the interval counts: that a tunnel is up, lost and back should not wait. */
const BURST = 3;
/** How long a sink may take with one event. */
const LIMIT_MS = 10_000;
/** How long the end of a tunnel may wait for all that is told at its end. */
const END_WITHIN_MS = 2_000;

/** Where a {@link PacedDelivery} is. */
type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'resting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'delivering'; readonly done: Promise<void>; readonly stop: AbortController }
  | { readonly kind: 'ended' };

/** Told how each delivery went. @param failure undefined when it went well */
type OnOutcome = (event: TunnelEvent, failure: Error | undefined) => void;

/**
 * Tells one sink of events, one at a time and in the long run never more often than it wants: the first few at once, and of
 * what happens while it has to wait only the latest.
 *
 *     idle ──event──> delivering ──done──> idle, or, as something has happened meanwhile, resting ──may tell again──> delivering
 *      └──────────────────┴────end()────> ended: what runs has 1 s more, and then the last event is told
 */
export class PacedDelivery {
  readonly #sink: EventSink;
  readonly #onOutcome: OnOutcome;
  #state: State = { kind: 'idle' };
  #latest: TunnelEvent | undefined;
  /** When all that was told would have been, one each interval (the generic cell rate algorithm, ITU-T I.371). */
  #paceMs = Number.NEGATIVE_INFINITY;

  constructor(sink: EventSink, onOutcome: OnOutcome) {
    this.#sink = sink;
    this.#onOutcome = onOutcome;
  }

  /** Tells of an event as soon as it may, unless another one comes before that. */
  tell(event: TunnelEvent): void {
    if (this.#state.kind === 'ended') return;
    this.#latest = event;
    if (this.#state.kind === 'idle') this.#next();
  }

  /**
   * Tells of the last event, whatever the pace, and of nothing after it. Never rejects.
   *
   * @param last left out: there is nothing more to tell
   */
  async end(last: TunnelEvent | undefined): Promise<void> {
    const endsAtMs = performance.now() + END_WITHIN_MS;
    const before = this.#state;
    this.#state = { kind: 'ended' };
    this.#latest = undefined;
    if (before.kind === 'resting') clearTimeout(before.timer);
    if (before.kind === 'delivering') {
      const timer = setTimeout(() => before.stop.abort(), END_WITHIN_MS / 2);
      await before.done;
      clearTimeout(timer);
    }
    if (before.kind === 'ended' || last === undefined || !this.#sink.takes(last)) return;
    const leftMs = endsAtMs - performance.now();
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), leftMs);
    await this.#deliver(last, leftMs / 2, stop);
    clearTimeout(timer);
  }

  #next(): void {
    const event = this.#latest;
    if (event === undefined || !this.#sink.takes(event)) {
      this.#latest = undefined;
      this.#state = { kind: 'idle' };
      return;
    }
    const restMs = this.#paceMs - (BURST - 1) * this.#sink.intervalMs - performance.now();
    if (restMs > 0) {
      this.#state = { kind: 'resting', timer: setTimeout(() => this.#next(), restMs) };
      return;
    }
    this.#latest = undefined;
    const stop = new AbortController();
    const done = this.#deliver(event, LIMIT_MS, stop).then(() => {
      if (this.#state.kind !== 'ended') this.#next();
    });
    this.#state = { kind: 'delivering', done, stop };
  }

  /** Never rejects. */
  async #deliver(event: TunnelEvent, limitMs: number, { signal }: AbortController): Promise<void> {
    this.#paceMs = Math.max(this.#paceMs, performance.now()) + this.#sink.intervalMs;
    try {
      await this.#sink.deliver(event, { limitMs, signal });
      this.#onOutcome(event, undefined);
    } catch (error) {
      this.#onOutcome(event, error instanceof Error ? error : new Error(String(error)));
    }
  }
}

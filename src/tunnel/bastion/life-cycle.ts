import { deferred } from '../../core/deferred.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import { BastionHungUp } from '../../ssh/transport.ts';
import type { TunnelState } from '../status/state.ts';
import { AttemptHistory } from './attempt-history.ts';
import { type Connections, NOBODY } from './connections.ts';
import type { LifeOptions } from './life-options.ts';
import { Outages } from './outages.ts';
import { CurrentPhase, type Phase } from './phase.ts';
import { type AttemptOutcomes, type OpenConnections, RunningAttempt } from './running-attempt.ts';
import { type WaitOutcome, WaitQueue } from './wait-queue.ts';

/**
 * The life of the connection to a bastion, after the first one stood: see {@link TunnelState} for its states. Owns the
 * connections, one after the other, and what waits for them.
 */
export class LifeCycle {
  readonly #lost = deferred<TshuttleError>();
  /** Only with `exit`. */
  readonly lost = this.#lost.promise;
  readonly #options: LifeOptions;
  readonly #open: OpenConnections;
  readonly #waitQueue: WaitQueue;
  readonly #history = new AttemptHistory();
  readonly #outages: Outages;
  readonly #outcomes: AttemptOutcomes = {
    onConnected: (connections, hasAsked) => this.#connected(connections, hasAsked),
    onFailed: (error) => this.#failed(error),
  };
  readonly #current: CurrentPhase;
  /** Connections that are being closed while others stand, or none. */
  readonly #closing = new Set<Promise<void>>();
  #description: string;
  /** Whether the last login asked the user: so would the next one. */
  #asks: boolean;

  /**
   * Owns `first` from now on.
   *
   * @param hasAsked whether the user was asked for it
   */
  constructor(options: LifeOptions, open: OpenConnections, first: Connections, hasAsked: boolean) {
    this.#options = options;
    this.#open = open;
    this.#outages = new Outages(options.onDown, options.logger);
    this.#waitQueue = new WaitQueue(options.held, () => this.#wanted());
    this.#asks = hasAsked;
    this.#description = first.description;
    this.#current = new CurrentPhase({ kind: 'up', connections: first, sinceMs: performance.now() });
    void first.lost.then((error) => this.#connectionLost(first, error));
  }

  get description(): string {
    return this.#description;
  }

  /** The connections, when there are some. */
  get current(): Connections | undefined {
    return this.#phase.kind === 'up' ? this.#phase.connections : undefined;
  }

  get state(): TunnelState {
    return this.#current.state;
  }

  /** When the bastion could not be reached, and why. */
  get outages(): Pick<Outages, 'isDown' | 'lostSinceMs' | 'reconnects' | 'lastError'> {
    return this.#outages;
  }

  /** Has `listener` called after each change of {@link LifeCycle.state}. @returns what ends that */
  onChange(listener: () => void): () => void {
    return this.#current.onChange(listener);
  }

  /**
   * The connections, as soon as there are some; or why there will be none for what has waited since `sinceMs`.
   *
   * @param signal cancels the wait
   * @param onHeld called when it has to wait
   */
  async connections(
    sinceMs: number,
    signal?: AbortSignal,
    onHeld?: () => void,
  ): Promise<Connections | Exclude<WaitOutcome, 'released'>> {
    for (;;) {
      const phase = this.#phase;
      if (phase.kind === 'up') return phase.connections;
      if (phase.kind === 'stopped') return 'cancelled';
      if (this.#outages.isDown && this.#options.onDown !== 'hold') return 'rejected';
      onHeld?.();
      const outcome = await this.#waitQueue.wait(sinceMs, signal);
      if (outcome !== 'released') return outcome;
    }
  }

  /** Connects at once where it waits to: also where it waits for the user, who has acted. */
  retryNow(): void {
    if (this.#phase.kind !== 'waiting') return;
    this.#history.startOver();
    this.#begin(this.#options.prompter);
  }

  /**
   * Connects at once, asking `prompter`. Resolves when the bastion is connected, as it may be already.
   *
   * @throws TshuttleError why the login failed
   */
  async login(prompter: Prompter): Promise<void> {
    if (this.#phase.kind === 'up') return;
    if (this.#phase.kind === 'stopped') throw new TshuttleError('ERR_BASTION_LOST', 'the tunnel is stopped');
    this.#history.startOver();
    const failure = await this.#begin(prompter).done;
    if (failure !== undefined) throw failure;
  }

  /** The way to the bastion may be another one now, or there may be one again. */
  networkChanged(): void {
    const phase = this.#phase;
    if (phase.kind === 'up') phase.connections.probe?.();
    const { isFresh } = this.#history;
    if (phase.kind === 'waiting' && phase.for.kind === 'backoff') {
      this.#history.networkChanged();
      if (isFresh) this.#next();
      else this.#begin();
    }
    // It may wait for packets that the old network has swallowed.
    if (phase.kind === 'connecting' && phase.attempt.isReplaceable && !isFresh) this.#begin();
  }

  /**
   * Has others take the place of the connections, to another bastion: they are closed. Owns `connections` from now on.
   * @returns false where there are none to be replaced any more; then `connections` is closed
   */
  replace(connections: Connections): boolean {
    const { current } = this;
    if (current !== undefined) this.#use(connections);
    this.#release(current ?? connections);
    return current !== undefined;
  }

  /** Idempotent; resolves when everything that was connected is closed. */
  async close(): Promise<void> {
    const phase = this.#phase;
    if (phase.kind !== 'stopped') this.#current.enter({ kind: 'stopped' });
    this.#waitQueue.endAll('cancelled');
    if (phase.kind === 'up') this.#release(phase.connections);
    if (phase.kind === 'connecting') await phase.attempt.end('the tunnel is closing');
    await Promise.all(this.#closing);
  }

  #release(connections: Connections): void {
    const closing = connections.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #connectionLost(connections: Connections, error: TshuttleError): void {
    if (this.#phase.kind !== 'up' || this.#phase.connections !== connections) return;
    this.#history.lost(this.#phase.sinceMs);
    // Ends what its extra parts have open, timers before all.
    this.#release(connections);
    const { onDown } = this.#options;
    if (onDown !== 'exit' && this.#options.isIdle() && error.cause instanceof BastionHungUp) {
      this.#outages.hungUp(error);
      this.#current.wait({ kind: 'parked' });
      return;
    }
    this.#outages.lost(error);
    if (onDown === 'exit') {
      this.#lost.resolve(error);
      void this.close();
      return;
    }
    this.#next();
  }

  /** After a loss or a failure: waits for the time of the next attempt, or for the user. */
  #next(): void {
    if ((this.#options.wouldAsk?.() ?? this.#asks) && !this.#mayAsk()) {
      this.#current.wait({ kind: 'user', why: 'would ask' });
      return;
    }
    const delayMs = this.#history.nextDelayMs(this.#waitQueue.size > 0);
    const timer = setTimeout(() => this.#begin(), delayMs);
    this.#current.wait({ kind: 'backoff', retryAtMs: Date.now() + delayMs }, timer);
  }

  /** Something waits for the connection now. */
  #wanted(): void {
    if (this.#phase.kind !== 'waiting') return;
    switch (this.#phase.for.kind) {
      case 'backoff':
        this.#history.startOver();
        this.#next();
        return;
      case 'parked':
        this.#next();
        return;
      case 'user':
        // A login that was refused is not tried again by itself.
        if (this.#phase.for.why === 'would ask' && this.#mayAsk()) this.#next();
    }
  }

  /** Nobody is asked out of the blue, and what was typed in once is never sent twice. */
  #mayAsk(): boolean {
    return this.#waitQueue.size > 0 && this.#options.prompter.available;
  }

  /** @param users the prompter of a login that the user began; otherwise those that wait are asked */
  #begin(users?: Prompter): RunningAttempt {
    const prompter = users ?? (this.#waitQueue.size > 0 ? this.#options.prompter : NOBODY);
    const before = this.#phase.kind === 'connecting' ? this.#phase.attempt : undefined;
    this.#history.began();
    const isUserInitiated = users !== undefined;
    const attempt = new RunningAttempt(this.#open, { ...this.#outcomes, prompter, isUserInitiated }, before);
    this.#current.enter({ kind: 'connecting', attempt });
    return attempt;
  }

  #connected(connections: Connections, hasAsked: boolean): void {
    this.#asks = hasAsked;
    this.#history.connected();
    this.#outages.connected(connections.description, this.#waitQueue.size);
    this.#use(connections);
    this.#waitQueue.endAll('released');
  }

  #use(connections: Connections): void {
    this.#description = connections.description;
    this.#current.enter({ kind: 'up', connections, sinceMs: performance.now() });
    void connections.lost.then((error) => this.#connectionLost(connections, error));
  }

  #failed(error: unknown): void {
    const after = this.#history.failed(error);
    this.#outages.failed(error, after);
    if (this.#options.onDown !== 'hold') this.#waitQueue.endAll('rejected');
    if (after === 'wait for the user') this.#current.wait({ kind: 'user', why: 'refused' });
    else this.#next();
  }

  get #phase(): Phase {
    return this.#current.phase;
  }
}

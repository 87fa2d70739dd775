import { deferred } from '../core/deferred.ts';
import { messageOf, TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Prompter } from '../ssh/prompter.ts';
import { BastionHungUp } from '../ssh/transport.ts';
import { afterFailure, isCutOffLogin, nextAttemptDelayMs } from './attempt-decision.ts';
import { type Connections, NOBODY } from './connections.ts';
import { Held, type HeldLimits, type HeldOutcome } from './held.ts';
import type { TunnelState, WaitReason } from './state.ts';
import { type ShownError, showError } from './status.ts';

/** What becomes of new flows while the bastion is lost; `exit` ends the tunnel with the connection. */
export type OnDown = 'hold' | 'reject' | 'direct' | 'exit';

/** A connection that lasted for so long was a success: the next attempt is made soon. */
const LASTED_MS = 1_000;

/** What happened so lately belongs to the network as it is now. */
const FRESH_MS = 1_000;

/** What one attempt to connect is made with. */
export interface Attempt {
  readonly prompter: Prompter;
  readonly signal: AbortSignal;
  /** Somebody is being asked. */
  onAsked(): void;
}

/** Connects once. */
export type OpenConnections = (attempt: Attempt, isFirst: boolean) => Promise<Connections>;

/** What a {@link LifeCycle} is to do. */
export interface LifeOptions {
  readonly onDown: OnDown;
  readonly held: HeldLimits;
  readonly logger: Logger;
  /** Who is asked when something waits for the connection. */
  readonly prompter: Prompter;
  /** Whether nothing has been carried lately: a bastion that hangs up then does it for that. */
  isIdle(): boolean;
}

interface RunningAttempt {
  readonly controller: AbortController;
  readonly startedAtMs: number;
  /** Resolves, never rejects, with why it failed. */
  readonly done: Promise<Error | undefined>;
  /** Not one that the user began, or is being asked for. */
  isReplaceable: boolean;
  hasAsked: boolean;
}

/** See {@link TunnelState}, which is what is shown of it. */
type Phase =
  | { readonly kind: 'up'; readonly connections: Connections; readonly sinceMs: number }
  | { readonly kind: 'connecting'; readonly attempt: RunningAttempt }
  | { readonly kind: 'waiting'; readonly for: WaitReason; readonly timer: NodeJS.Timeout | undefined }
  | { readonly kind: 'stopped' };

/**
 * The life of the connection to a bastion, after the first one stood: see {@link TunnelState} for its states. Owns the
 * connections, one after the other, and what waits for them.
 */
export class LifeCycle {
  /** Only with `exit`. */
  readonly lost: Promise<TshuttleError>;
  readonly #options: LifeOptions;
  readonly #open: OpenConnections;
  readonly #lost = deferred<TshuttleError>();
  readonly #held: Held;
  readonly #listeners = new Set<() => void>();
  #phase: Phase;
  #state: TunnelState;
  #description: string;
  /** Whether the last login asked somebody: so would the next one. */
  #asks: boolean;
  #failures = 0;
  /** Connections in a row that were lost as soon as they stood. */
  #shortLived = 0;
  #cutOffLogins = 0;
  #reconnects = 0;
  #lastError: ShownError | undefined;
  /** When the last attempt began, or the connection was lost. */
  #lastEventMs = 0;
  #lostAtMs: number | undefined;

  /**
   * Owns `first` from now on.
   *
   * @param hasAsked whether somebody was asked for it
   */
  constructor(options: LifeOptions, open: OpenConnections, first: Connections, hasAsked: boolean) {
    this.#options = options;
    this.#open = open;
    this.lost = this.#lost.promise;
    this.#held = new Held(options.held, () => this.#wanted());
    this.#asks = hasAsked;
    this.#description = first.description;
    this.#phase = { kind: 'up', connections: first, sinceMs: performance.now() };
    this.#state = { kind: 'up', sinceMs: Date.now() };
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
    return this.#state;
  }

  /** How often it was connected again. */
  get reconnects(): number {
    return this.#reconnects;
  }

  get lastError(): ShownError | undefined {
    return this.#lastError;
  }

  /** Whether the bastion cannot be reached: not where it has only hung up because there was nothing to carry. */
  get isDown(): boolean {
    return this.#lostAtMs !== undefined;
  }

  /** Has `listener` called after each change of {@link LifeCycle.state}. @returns what ends that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * The connections, as soon as there are some; or why there will be none for what has waited since `sinceMs`.
   *
   * @param signal gives up
   * @param onHeld called when it has to wait
   */
  async connections(
    sinceMs: number,
    signal?: AbortSignal,
    onHeld?: () => void,
  ): Promise<Connections | Exclude<HeldOutcome, 'released'>> {
    for (;;) {
      const phase = this.#phase;
      if (phase.kind === 'up') return phase.connections;
      if (phase.kind === 'stopped') return 'given up';
      if (this.isDown && this.#options.onDown !== 'hold') return 'turned away';
      onHeld?.();
      const outcome = await this.#held.wait(sinceMs, signal);
      if (outcome !== 'released') return outcome;
    }
  }

  /** Connects at once where it waits to: also where it waits for the user, who has acted. */
  retryNow(): void {
    if (this.#phase.kind !== 'waiting') return;
    this.#startOver();
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
    this.#startOver();
    const failure = await this.#begin(prompter).done;
    if (failure !== undefined) throw failure;
  }

  /** The way to the bastion may be another one now, or there may be one again. */
  networkChanged(): void {
    const phase = this.#phase;
    if (phase.kind === 'up') phase.connections.probe?.();
    const isFresh = performance.now() - this.#lastEventMs < FRESH_MS;
    if (phase.kind === 'waiting' && phase.for.kind === 'backoff') {
      this.#failures = 0;
      if (isFresh) this.#next();
      else this.#begin();
    }
    // It may wait for packets that the old network has swallowed.
    if (phase.kind === 'connecting' && phase.attempt.isReplaceable && !isFresh) this.#begin();
  }

  async close(): Promise<void> {
    const phase = this.#phase;
    if (phase.kind === 'stopped') return;
    this.#enter({ kind: 'stopped' });
    this.#held.endAll('given up');
    if (phase.kind === 'up') await phase.connections.close();
    if (phase.kind === 'connecting') {
      phase.attempt.controller.abort(new Error('the tunnel is closing'));
      await phase.attempt.done;
    }
  }

  #connectionLost(connections: Connections, error: TshuttleError): void {
    if (this.#phase.kind !== 'up' || this.#phase.connections !== connections) return;
    const nowMs = performance.now();
    const hasLasted = nowMs - this.#phase.sinceMs >= LASTED_MS;
    this.#shortLived = hasLasted ? 0 : this.#shortLived + 1;
    this.#failures = 0;
    // Ends what its extra parts have open, timers before all.
    void connections.close();
    this.#lastEventMs = nowMs;
    const { logger, onDown } = this.#options;
    if (onDown !== 'exit' && this.#options.isIdle() && error.cause instanceof BastionHungUp) {
      logger.info(`${error.message}; nothing was carried, and the next flow has it connected again`);
      this.#wait({ kind: 'parked' });
      return;
    }
    this.#lastError = showError(error);
    this.#lostAtMs = nowMs;
    if (onDown === 'exit') {
      this.#lost.resolve(error);
      void this.close();
      return;
    }
    logger.warn(`${error.message}; ${FATES[onDown]} until it is connected again`);
    this.#next();
  }

  /** After a loss or a failure: waits for the time of the next attempt, or for the user. */
  #next(): void {
    if (this.#asks && !this.#mayAsk()) {
      this.#wait({ kind: 'user', why: 'would ask' });
      return;
    }
    const delayMs = nextAttemptDelayMs({
      failures: this.#failures + this.#shortLived,
      isWanted: this.#held.size > 0,
      elapsedMs: performance.now() - this.#lastEventMs,
      random: Math.random(),
    });
    const timer = setTimeout(() => this.#begin(), delayMs);
    this.#wait({ kind: 'backoff', retryAtMs: Date.now() + delayMs }, timer);
  }

  /** Something waits for the connection now. */
  #wanted(): void {
    if (this.#phase.kind !== 'waiting') return;
    switch (this.#phase.for.kind) {
      case 'backoff':
        this.#startOver();
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
    return this.#held.size > 0 && this.#options.prompter.available;
  }

  /** @param users who is asked where the user has begun it; otherwise whoever waits for it */
  #begin(users?: Prompter): RunningAttempt {
    const prompter = users ?? (this.#held.size > 0 ? this.#options.prompter : NOBODY);
    const before = this.#phase.kind === 'connecting' ? this.#phase.attempt : undefined;
    before?.controller.abort(new Error('another attempt takes its place'));
    const started = deferred<void>();
    const attempt: RunningAttempt = {
      controller: new AbortController(),
      startedAtMs: performance.now(),
      done: started.promise.then(async () => {
        await before?.done;
        return await this.#run(attempt, prompter);
      }),
      isReplaceable: users === undefined,
      hasAsked: false,
    };
    this.#lastEventMs = attempt.startedAtMs;
    this.#enter({ kind: 'connecting', attempt });
    started.resolve();
    return attempt;
  }

  /** Never rejects. @returns why it failed */
  async #run(attempt: RunningAttempt, prompter: Prompter): Promise<Error | undefined> {
    const { signal } = attempt.controller;
    const onAsked = (): void => {
      attempt.hasAsked = true;
      attempt.isReplaceable = false;
    };
    try {
      const connections = await this.#open({ prompter, signal, onAsked }, false);
      if (signal.aborted) {
        await connections.close();
        return signal.reason as Error;
      }
      this.#connected(connections, attempt);
      return undefined;
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #connected(connections: Connections, { hasAsked }: RunningAttempt): void {
    const { logger } = this.#options;
    this.#reconnects += 1;
    this.#asks = hasAsked;
    this.#cutOffLogins = 0;
    this.#description = connections.description;
    const nowMs = performance.now();
    const held = this.#held.size;
    const onward = held === 0 ? '' : `; ${held} that waited go${held === 1 ? 'es' : ''} on`;
    if (this.#lostAtMs === undefined) logger.info(`connected to ${connections.description} again${onward}`);
    else {
      const afterS = ((nowMs - this.#lostAtMs) / 1000).toFixed(1);
      logger.warn(`connected to ${connections.description} again after ${afterS} s${onward}`);
    }
    this.#lostAtMs = undefined;
    this.#enter({ kind: 'up', connections, sinceMs: nowMs });
    void connections.lost.then((error) => this.#connectionLost(connections, error));
    this.#held.endAll('released');
  }

  #failed(error: unknown): void {
    const { logger, onDown } = this.#options;
    this.#lostAtMs ??= performance.now();
    const after = afterFailure(error, this.#cutOffLogins);
    this.#cutOffLogins = isCutOffLogin(error) ? this.#cutOffLogins + 1 : 0;
    this.#failures += 1;
    const failure =
      error instanceof TshuttleError
        ? error
        : new TshuttleError('ERR_INTERNAL', messageOf(error), { cause: error });
    this.#lastError = showError(failure);
    if (onDown !== 'hold') this.#held.endAll('turned away');
    if (after === 'wait for the user') {
      const remedy = failure.remedy === undefined ? '' : ` (${failure.remedy})`;
      logger.warn(`${failure.message}${remedy}; it is not tried again before you log in`);
      this.#wait({ kind: 'user', why: 'refused' });
      return;
    }
    logger.info(`not connected: ${failure.message}`);
    this.#next();
  }

  /** Attempts begin anew, the quick ones first. */
  #startOver(): void {
    this.#failures = 0;
    this.#cutOffLogins = 0;
  }

  #wait(reason: WaitReason, timer?: NodeJS.Timeout): void {
    this.#enter({ kind: 'waiting', for: reason, timer });
  }

  #enter(phase: Phase): void {
    if (this.#phase.kind === 'waiting') clearTimeout(this.#phase.timer);
    this.#phase = phase;
    const sinceMs = Date.now();
    this.#state =
      phase.kind === 'waiting' ? { kind: 'waiting', sinceMs, for: phase.for } : { kind: phase.kind, sinceMs };
    for (const listener of this.#listeners) listener();
  }
}

/** What becomes of new flows, for people. */
const FATES: Readonly<Record<Exclude<OnDown, 'exit'>, string>> = {
  hold: 'new connections are held',
  reject: 'new connections are reset',
  direct: 'nothing is captured',
};

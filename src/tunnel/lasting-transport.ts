import type { Socket } from 'node:net';
import { TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Endpoint, HostPort } from '../net/endpoint.ts';
import type { Prompter } from '../ssh/prompter.ts';
import {
  type CarryOptions,
  type FlowEnd,
  type FlowProgress,
  type FlowSummary,
  startFlowProgress,
  type Transport,
} from '../ssh/transport.ts';
import type { HeldOutcome } from './held.ts';
import { LifeCycle } from './life-cycle.ts';
import type { OnDown } from './outages.ts';
import type { OpenConnections } from './running-attempt.ts';

/** Flows, and connections of our own, that wait at once. */
const MAX_HELD = 4_096;

/** A bastion that hangs up where nothing was carried for so long does it for that. */
const IDLE_MS = 5_000;

/** What a {@link LastingTransport} is to do. */
interface LastingOptions {
  readonly onDown: OnDown;
  /** How long a flow waits for the connection. */
  readonly holdMs: number;
  readonly logger: Logger;
  /** Who is asked at the first connection, and later when something waits for one. */
  readonly prompter: Prompter;
}

/**
 * A transport that outlives its connection to the bastion: it connects again, and holds meanwhile what comes. What had been
 * open is reset with the connection; what the bastion had not opened yet goes on over the next one.
 */
export class LastingTransport implements Transport {
  /** What becomes of the connection, and what can be done about it. */
  readonly life: LifeCycle;
  readonly #options: LastingOptions;
  #carried = 0;
  #lastCarriedMs = performance.now();
  #hasWarnedOfFull = false;

  private constructor(life: (isIdle: () => boolean) => LifeCycle, options: LastingOptions) {
    this.#options = options;
    this.life = life(() => this.#carried === 0 && performance.now() - this.#lastCarriedMs >= IDLE_MS);
  }

  /**
   * Connects for the first time.
   *
   * @throws as `open` does; nothing is tried again then
   */
  static async open(
    options: LastingOptions,
    open: OpenConnections,
    signal: AbortSignal,
  ): Promise<LastingTransport> {
    let asks = false;
    const onAsked = (): void => {
      asks = true;
    };
    const first = await open({ prompter: options.prompter, signal, onAsked }, true);
    const held = { count: MAX_HELD, timeMs: options.holdMs };
    const life = (isIdle: () => boolean) => new LifeCycle({ ...options, held, isIdle }, open, first, asks);
    return new LastingTransport(life, options);
  }

  get description(): string {
    return this.life.description;
  }

  get roundTripMs(): number | undefined {
    return this.life.current?.roundTripMs;
  }

  /** Only with `exit`. */
  get lost(): Promise<TshuttleError> {
    return this.life.lost;
  }

  async carry(
    accepted: Socket,
    destination: HostPort,
    originator: Endpoint,
    progress: FlowProgress = startFlowProgress(),
    options: CarryOptions = {},
  ): Promise<FlowSummary> {
    const startedAtMs = performance.now();
    this.#carried += 1;
    try {
      for (;;) {
        const connections = await this.life.connections(startedAtMs, undefined, () => {
          progress.stage = 'held';
        });
        if (typeof connections === 'string') {
          accepted.resetAndDestroy();
          return { end: this.#endOf(connections), bytesUp: 0, bytesDown: 0 };
        }
        progress.stage = 'opening';
        const summary = await connections.carry(accepted, destination, originator, progress, {
          ...options,
          giveBackWhenLost: true,
        });
        if (summary.isGivenBack !== true || summary.end.kind !== 'bastion-lost') return summary;
        await connections.lost;
      }
    } finally {
      this.#carried -= 1;
      this.#lastCarriedMs = performance.now();
    }
  }

  async open(destination: HostPort, signal: AbortSignal): Promise<Socket> {
    const startedAtMs = performance.now();
    for (;;) {
      const connections = await this.life.connections(startedAtMs, signal);
      signal.throwIfAborted();
      if (typeof connections === 'string') {
        throw new TshuttleError('ERR_BASTION_LOST', `there is no connection to ${this.description}`, {
          cause: this.#endOf(connections),
        });
      }
      try {
        return await connections.open(destination, signal);
      } catch (error) {
        const isLost = error instanceof TshuttleError && error.code === 'ERR_BASTION_LOST';
        if (!isLost || signal.aborted || this.life.state.kind === 'stopped') throw error;
        await Promise.race([connections.lost, aborted(signal)]);
      }
    }
  }

  /** See {@link Connections.readFile}. */
  readFile(path: string): Promise<string> {
    const connections = this.life.current;
    if (connections !== undefined) return connections.readFile(path);
    return Promise.reject(new Error(`there is no connection to ${this.description}`));
  }

  close(): Promise<void> {
    return this.life.close();
  }

  #endOf(outcome: Exclude<HeldOutcome, 'released'>): FlowEnd {
    const { holdMs } = this.#options;
    switch (outcome) {
      case 'expired':
        return { kind: 'aborted', detail: `the bastion was not back within ${holdMs / 1000} s` };
      case 'full':
        this.#warnOfFull();
        return { kind: 'aborted', detail: `${MAX_HELD} connections wait for the bastion already` };
      case 'turned away':
        return { kind: 'bastion-lost' };
      case 'given up':
        return { kind: 'aborted', detail: 'the tunnel is closing' };
    }
  }

  #warnOfFull(): void {
    if (this.#hasWarnedOfFull) return;
    this.#hasWarnedOfFull = true;
    this.#options.logger.warn(`${MAX_HELD} connections wait for the bastion: further ones are reset`);
  }
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

import type { Socket } from 'node:net';
import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { HostPort } from '../../net/address/endpoint.ts';
import type { Flow } from '../../net/flow.ts';
import type { NegotiatedAlgorithms } from '../../ssh/agreement.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import { type FlowEnd, type FlowSummary, notOpened, type Transport } from '../../ssh/transport.ts';
import type { Connections } from './connections.ts';
import { LifeCycle } from './life-cycle.ts';
import type { OnDown } from './outages.ts';
import type { OpenConnections } from './running-attempt.ts';
import type { WaitOutcome } from './wait-queue.ts';

/** Flows, and connections of our own, that wait at once. */
const MAX_HELD = 4_096;

/** A bastion that hangs up where nothing was carried for so long does it for that. */
const IDLE_MS = 5_000;

/** What a {@link ReconnectingTransport} is to do. */
interface ReconnectingOptions {
  readonly onDown: OnDown;
  /** How long a flow waits for the connection. */
  readonly holdMs: number;
  readonly logger: Logger;
  /** Who is asked at the first connection, and later when something waits for one. */
  readonly prompter: Prompter;
  /** Whether any login would ask somebody; left out: as the last one did. */
  readonly wouldAsk?: () => boolean;
}

/**
 * A transport that outlives its connection to the bastion: it connects again, and holds meanwhile what comes. What had been
 * open is reset with the connection; what the bastion had not opened yet goes on over the next one.
 */
export class ReconnectingTransport implements Transport {
  /** What becomes of the connection, and what can be done about it. */
  readonly life: LifeCycle;
  readonly #options: ReconnectingOptions;
  #carried = 0;
  #lastCarriedMs = performance.now();
  #hasWarnedOfFull = false;
  /** Called when nothing is carried or open any more. */
  onIdle: (() => void) | undefined;

  readonly #onOver = (): void => {
    this.#carried -= 1;
    this.#lastCarriedMs = performance.now();
    if (this.#carried === 0) this.onIdle?.();
  };

  private constructor(life: (isIdle: () => boolean) => LifeCycle, options: ReconnectingOptions) {
    this.#options = options;
    this.life = life(() => this.#carried === 0 && performance.now() - this.#lastCarriedMs >= IDLE_MS);
  }

  /**
   * Connects for the first time.
   *
   * @throws as `open` does; nothing is tried again then
   */
  static async open(
    options: ReconnectingOptions,
    open: OpenConnections,
    signal: AbortSignal,
  ): Promise<ReconnectingTransport> {
    let asks = false;
    const onAsked = (): void => {
      asks = true;
    };
    const first = await open({ prompter: options.prompter, signal, isUserInitiated: true, onAsked }, true);
    const held = { count: MAX_HELD, timeMs: options.holdMs };
    const life = (isIdle: () => boolean) => new LifeCycle({ ...options, held, isIdle }, open, first, asks);
    return new ReconnectingTransport(life, options);
  }

  get description(): string {
    return this.life.description;
  }

  get algorithms(): NegotiatedAlgorithms | undefined {
    return this.life.current?.algorithms;
  }

  get roundTripMs(): number | undefined {
    return this.life.current?.roundTripMs;
  }

  /** Whether nothing is carried or open, or waits. */
  get isIdle(): boolean {
    return this.#carried === 0;
  }

  /** Only with `exit`. */
  get lost(): Promise<TshuttleError> {
    return this.life.lost;
  }

  /** Without an async function's frame for each flow, as in `ConnectionPool`. */
  carry(flow: Flow): Promise<FlowSummary> {
    this.#carried += 1;
    const { current } = this.life;
    const over = current === undefined ? this.#holdAndCarry(flow) : this.#carryOver(current, flow);
    void over.then(this.#onOver);
    return over;
  }

  #carryOver(connections: Connections, flow: Flow): Promise<FlowSummary> {
    return connections.carry(flow).then((summary) => {
      const isLost = summary.end.kind === 'bastion-lost' && flow.stage !== 'open';
      return isLost && !flow.accepted.destroyed ? this.#carryLater(connections, flow) : summary;
    });
  }

  async #carryLater(lostConnections: Connections, flow: Flow): Promise<FlowSummary> {
    await lostConnections.lost;
    return await this.#holdAndCarry(flow);
  }

  async #holdAndCarry(flow: Flow): Promise<FlowSummary> {
    const connections = await this.life.connections(flow.startedAtMs, undefined, () => {
      flow.stage = 'held';
    });
    if (typeof connections === 'string') return notOpened(this.#endOf(connections));
    flow.stage = 'opening';
    return await this.#carryOver(connections, flow);
  }

  async open(destination: HostPort, signal: AbortSignal): Promise<Socket> {
    this.#carried += 1;
    try {
      const socket = await this.#holdAndOpen(destination, signal);
      if (socket.closed) this.#onOver();
      else socket.once('close', this.#onOver);
      return socket;
    } catch (error) {
      this.#onOver();
      throw error;
    }
  }

  async #holdAndOpen(destination: HostPort, signal: AbortSignal): Promise<Socket> {
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

  /** See {@link Connections.run}. @throws TshuttleError ERR_BASTION_LOST too */
  run(command: string): Promise<string> {
    const connections = this.life.current;
    if (connections === undefined)
      return Promise.reject(
        new TshuttleError('ERR_BASTION_LOST', `there is no connection to ${this.description}`),
      );
    const lost = connections.lost.then((error) => Promise.reject(error));
    return Promise.race([connections.run(command), lost]);
  }

  close(): Promise<void> {
    return this.life.close();
  }

  #endOf(outcome: Exclude<WaitOutcome, 'released'>): FlowEnd {
    const { holdMs } = this.#options;
    switch (outcome) {
      case 'expired':
        return {
          kind: 'aborted',
          detail: `the bastion was not back within ${holdMs / 1000} s`,
          lacks: 'bastion',
        };
      case 'full':
        this.#warnOfFull();
        return {
          kind: 'aborted',
          detail: `${MAX_HELD} connections wait for the bastion already`,
          lacks: 'bastion',
        };
      case 'rejected':
        return { kind: 'bastion-lost' };
      case 'cancelled':
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

import { messageOf, TshuttleError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/log.ts';
import type { Ssh2Transport } from '../connected-transport.ts';

const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 300_000;
const MAX_FAILURES = 5;

type Open = (signal: AbortSignal) => Promise<Ssh2Transport>;

/** Opens one more connection to the bastion, or why that must not be. */
export type OpenAnother = Open | { readonly whyNot: string };

type State =
  | { readonly kind: 'ready'; readonly failures: number }
  | { readonly kind: 'opening'; readonly opened: Promise<Ssh2Transport | undefined> }
  | { readonly kind: 'pausing'; readonly failures: number; readonly untilMs: number }
  | { readonly kind: 'stopped' };

/**
 * Further connections to a bastion, one at a time: sshd's MaxStartups and PerSourcePenalties count attempts.
 *
 *     ready ──asked──> opening ──open──> ready
 *                         └──unreachable──> pausing ──asked again, later──> opening
 *                         └──any other failure, or the fifth──> stopped
 */
export class ConnectionGrowth {
  readonly #description: string;
  readonly #openAnother: OpenAnother;
  readonly #logger: Logger;
  readonly #over = new AbortController();
  #state: State = { kind: 'ready', failures: 0 };

  /** @param description of what is open already, for people */
  constructor(description: string, options: { readonly openAnother: OpenAnother; readonly logger: Logger }) {
    this.#description = description;
    this.#openAnother = options.openAnother;
    this.#logger = options.logger;
  }

  /**
   * One more connection, which is the caller's; those who ask meanwhile get the same.
   *
   * @returns undefined when there is none to be had now
   */
  async another(): Promise<Ssh2Transport | undefined> {
    const state = this.#state;
    if (state.kind === 'opening') return await state.opened;
    if (state.kind === 'stopped' || this.#over.signal.aborted) return undefined;
    if (state.kind === 'pausing' && performance.now() < state.untilMs) return undefined;
    if (typeof this.#openAnother !== 'function') {
      this.#stop(this.#openAnother.whyNot);
      return undefined;
    }
    const opened = this.#open(this.#openAnother, state.failures);
    this.#state = { kind: 'opening', opened };
    return await opened;
  }

  /** Ends an attempt that is being made. Idempotent. */
  async close(): Promise<void> {
    this.#over.abort();
    const transport = this.#state.kind === 'opening' ? await this.#state.opened : undefined;
    await transport?.close();
  }

  async #open(openAnother: Open, failures: number): Promise<Ssh2Transport | undefined> {
    try {
      const transport = await openAnother(this.#over.signal);
      this.#state = { kind: 'ready', failures: 0 };
      this.#logger.info(`one more connection to ${transport.description}`);
      return transport;
    } catch (error) {
      this.#failed(error, failures + 1);
      return undefined;
    }
  }

  #failed(error: unknown, failures: number): void {
    const isWorthAnother = error instanceof TshuttleError && error.code === 'ERR_BASTION_UNREACHABLE';
    if (this.#over.signal.aborted) {
      this.#state = { kind: 'stopped' };
    } else if (!isWorthAnother || failures >= MAX_FAILURES) {
      this.#stop(messageOf(error));
    } else {
      const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
      this.#state = { kind: 'pausing', failures, untilMs: performance.now() + pauseMs };
      this.#logger.info(`no further connection for ${pauseMs / 1000} s: ${messageOf(error)}`);
    }
  }

  #stop(why: string): void {
    this.#state = { kind: 'stopped' };
    this.#logger.warn(`no further connections to ${this.#description}: ${why}`);
  }
}

import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { BastionList } from './bastion-list.ts';
import type { ReconnectingTransport } from './reconnecting-transport.ts';

/** After a connection, or an attempt, nothing is tried for so long: a bastion that came back may go once more. */
const QUIET_MS = 60_000;

/**
 * Goes back to a bastion that is before the one in use, when nothing flows, so that no flow notices. It is tried when the last flow ends, or once a
 * while after that; a tunnel that stays idle wakes up for it once, and asks nobody.
 */
export class ReturnToFirst {
  readonly #list: BastionList;
  readonly #transport: ReconnectingTransport;
  readonly #logger: Logger;
  readonly #stopped = new AbortController();
  readonly #quietMs: number;
  #lastMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #trying: Promise<void> | undefined;

  constructor(list: BastionList, transport: ReconnectingTransport, logger: Logger, quietMs = QUIET_MS) {
    this.#list = list;
    this.#transport = transport;
    this.#logger = logger;
    this.#quietMs = quietMs;
    transport.onIdle = () => this.#consider();
    transport.life.onChange(() => {
      this.#lastMs = performance.now();
      if (transport.isIdle) this.#consider();
    });
    if (transport.isIdle) this.#consider();
  }

  /** Idempotent; resolves when what it had opened is closed. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopped.abort();
    await this.#trying;
  }

  #consider(): void {
    clearTimeout(this.#timer);
    const isUp = this.#transport.life.state.kind === 'up';
    if (this.#list.used === 0 || !isUp || this.#trying !== undefined || this.#stopped.signal.aborted) return;
    const waitMs = this.#lastMs + this.#quietMs - performance.now();
    if (waitMs <= 0) this.#trying = this.#try();
    else {
      this.#timer = setTimeout(() => {
        if (this.#transport.isIdle) this.#consider();
      }, waitMs);
      this.#timer.unref();
    }
  }

  /** Never rejects. */
  async #try(): Promise<void> {
    try {
      const found = await this.#list.connectToEarlier(this.#stopped.signal);
      if (found === undefined) return;
      const { index, connections } = found;
      if (!this.#transport.isIdle) await connections.close();
      else if (this.#transport.life.replace(connections)) {
        this.#list.use(index);
        this.#logger.info(`back at ${connections.description}, which is before the other one in -r`);
      }
    } catch (error) {
      this.#logger.debug(`not back at an earlier bastion: ${messageOf(error)}`);
    } finally {
      this.#trying = undefined;
      this.#lastMs = performance.now();
    }
  }
}

import { abortable } from '../../../core/abortable.ts';
import type { Prompter } from '../../prompter.ts';
import type { SshTarget } from '../../ssh-target.ts';

/** Key exchange and authentication together, without the time in which the user is being asked. */
const HANDSHAKE_LIMIT_MS = 15_000;
/** A ProxyCommand connects meanwhile, which may take a login of its own. */
const COMMAND_HANDSHAKE_LIMIT_MS = 120_000;

/** How long the handshake with a bastion may take. */
export function handshakeLimitMs({ proxy }: Pick<SshTarget, 'proxy'>): number {
  return proxy.kind === 'command' ? COMMAND_HANDSHAKE_LIMIT_MS : HANDSHAKE_LIMIT_MS;
}

/** Limits the time a bastion takes, not the time its user takes: it stands still while a question is open. */
export class HandshakeClock {
  readonly #onExpired: () => void;
  #remainingMs: number;
  #startedAtMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauses = 0;

  /** Starts at once. */
  constructor(limitMs: number, onExpired: () => void) {
    this.#remainingMs = limitMs;
    this.#onExpired = onExpired;
    this.#run();
  }

  /** Stands still until the promise is settled; overlapping pauses are counted. */
  async pausedWhile<T>(pending: Promise<T>): Promise<T> {
    this.#pauses += 1;
    if (this.#pauses === 1) this.#halt();
    try {
      return await pending;
    } finally {
      this.#pauses -= 1;
      if (this.#pauses === 0) this.#run();
    }
  }

  /** Never expires from now on. Idempotent. */
  stop(): void {
    this.#halt();
    this.#pauses = Number.POSITIVE_INFINITY;
  }

  #run(): void {
    this.#startedAtMs = performance.now();
    this.#timer = setTimeout(this.#onExpired, this.#remainingMs);
  }

  #halt(): void {
    clearTimeout(this.#timer);
    if (this.#startedAtMs !== undefined) this.#remainingMs -= performance.now() - this.#startedAtMs;
    this.#startedAtMs = undefined;
  }
}

/**
 * A prompter whose questions stop the clock, and end with the signal: the answer is then no longer waited for.
 *
 * @param mayAsk whether the user wants to be asked at all (BatchMode)
 */
export function pausingPrompter(
  prompter: Prompter,
  clock: HandshakeClock,
  signal: AbortSignal,
  mayAsk: 'ask' | 'never',
): Prompter {
  const { waitForNextCode } = prompter;
  return {
    mayAskAgain: prompter.mayAskAgain,
    waitForNextCode: waitForNextCode && (() => clock.pausedWhile(abortable(waitForNextCode(), signal))),
    available: mayAsk === 'ask' && prompter.available,
    show: (text) => prompter.show(text),
    ask: (question, options) => clock.pausedWhile(abortable(prompter.ask(question, options), signal)),
  };
}

import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { isOwnAddress } from '../../net/machine/local-addresses.ts';
import {
  MAX_STRANDED,
  type RedirectedConnection,
  type StrandedFate,
} from '../../net/sockets/redirected-connection.ts';

/** How long a reset has to reach its application, and others gather for the same question. */
const GATHER_MS = 50;

/** As many as there are flows at once: what comes beyond them is taken to be told. */
const MAX_WAITING = 32_768;

/** Ends applications' sockets that no reset has reached: `RedirectIngress.endStranded`. */
type EndStranded = (connections: readonly RedirectedConnection[]) => Promise<readonly StrandedFate[]>;

/**
 * Finds out, of connections whose end here was reset, whether the application knows; where it cannot, because its address or
 * the redirect is gone, its socket is ended (native-notes/sock-destroy.md). Many are one question, and one question is asked
 * after the other.
 */
export class StrandedConnections {
  readonly #endStranded: EndStranded;
  readonly #logger: Logger;
  readonly #isOwn: (address: string) => boolean;
  readonly #waiting: { readonly connection: RedirectedConnection; settle(fate: StrandedFate): void }[] = [];
  /** While something waits. */
  #asking: Promise<void> | undefined;
  readonly #said = new Set<string>();

  /** @param isOwn whether the machine on which the applications run has an address */
  constructor(endStranded: EndStranded, logger: Logger, isOwn: (address: string) => boolean = isOwnAddress) {
    this.#endStranded = endStranded;
    this.#logger = logger;
    this.#isOwn = isOwn;
  }

  /** Whether nothing reaches an application that has called from this address. */
  isGone(address: string): boolean {
    return !this.#isOwn(address);
  }

  /** What became of the application's end; `told` also where nobody can look. Never rejects. */
  settle(connection: RedirectedConnection): Promise<StrandedFate> {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#sayOnce(`more than ${MAX_WAITING} resets at once: not all of them are checked`);
      return Promise.resolve('told');
    }
    return new Promise((settle) => {
      this.#waiting.push({ connection, settle });
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
    });
  }

  /** Resolves when all that waits is settled. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  async #ask(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_STRANDED);
      const fates = await this.#fatesOf(batch.map(({ connection }) => connection));
      for (const [index, { settle }] of batch.entries()) settle(fates[index] ?? 'told');
    }
  }

  async #fatesOf(connections: readonly RedirectedConnection[]): Promise<readonly StrandedFate[]> {
    try {
      const fates = await this.#endStranded(connections);
      if (fates.includes('unsupported'))
        this.#sayOnce(`${systemWords().endsNoSockets}: an application waits on`);
      return fates;
    } catch (error) {
      this.#sayOnce(`whether resets reach their applications is not known: ${messageOf(error)}`);
      return [];
    }
  }

  #sayOnce(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#logger.debug(message);
  }
}

import { oneAtATime } from '../../../core/one-at-a-time.ts';
import type { SourceAddress } from '../../address/source-address.ts';
import type { Closable } from '../one-port.ts';
import type { RefusedAddress } from './refused-address.ts';

/** Sockets at the addresses of interfaces that come and go. Owns them. */
export class FollowedSockets {
  readonly #open: (at: SourceAddress) => Promise<Closable>;
  readonly #sockets = new Map<string, Closable>();
  #wanted: readonly SourceAddress[] = [];
  #refused: readonly RefusedAddress[] = [];
  #isClosed = false;
  readonly #openWanted = oneAtATime(async () => {
    const wanted = new Map(this.#wanted.map((at) => [keyOf(at), at]));
    this.#closeOthers(wanted);
    this.#refused = await this.#openMissing(wanted);
  });

  /** @param open of which {@link Closable.close} closes all that it has opened; nothing is left open where it rejects */
  constructor(open: (at: SourceAddress) => Promise<Closable>) {
    this.#open = open;
  }

  /** The wanted addresses where there are none. */
  get refused(): readonly RefusedAddress[] {
    return this.#refused;
  }

  /** Has sockets at these addresses and no others; the latest call decides. Never rejects. */
  follow(addresses: readonly SourceAddress[]): Promise<void> {
    this.#wanted = addresses;
    return this.#openWanted();
  }

  #closeOthers(wanted: ReadonlyMap<string, SourceAddress>): void {
    for (const [key, socket] of this.#sockets) {
      if (wanted.has(key)) continue;
      this.#sockets.delete(key);
      socket.close();
    }
  }

  async #openMissing(wanted: ReadonlyMap<string, SourceAddress>): Promise<readonly RefusedAddress[]> {
    const refused: RefusedAddress[] = [];
    for (const [key, at] of wanted) {
      if (this.#isClosed || this.#sockets.has(key)) continue;
      try {
        const socket = await this.#open(at);
        if (this.#isClosed) socket.close();
        else this.#sockets.set(key, socket);
      } catch (error) {
        refused.push({ at, error });
      }
    }
    return refused;
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }
}

/** Also tells an interface from one of the same name that was there before it. */
function keyOf({ address, interfaceIndex }: SourceAddress): string {
  return `${interfaceIndex} ${address}`;
}

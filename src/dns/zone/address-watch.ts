import type { Logger } from '../../core/log.ts';
import type { SyntheticAddresses } from './synthetic-addresses.ts';

/** Names beyond this part of the room are told: there is time then to make more. */
const NEARLY_ALL = 7 / 8;

/** How to have more of them. */
const REMEDY =
  'choose a larger network with --synthetic-range; the default, 198.18.0.0/15, has 65,512 for a tunnel';

/** Tells, once each time, that the addresses of names run out, and that they have. */
export class AddressWatch {
  readonly #addresses: Pick<SyntheticAddresses, 'room' | 'inUse'>;
  readonly #logger: Logger;
  #refused = 0;
  #given = 0;
  #hasToldNear = false;
  #hasToldFull = false;

  constructor(addresses: Pick<SyntheticAddresses, 'room' | 'inUse'>, logger: Logger) {
    this.#addresses = addresses;
    this.#logger = logger;
  }

  /** Queries that no address was left for, since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** A new name was given an address. @param mayGrow whether there may be more room soon */
  onGiven(mayGrow: boolean): void {
    const { names, capacity } = this.#addresses.room;
    if (mayGrow || names < capacity * NEARLY_ALL) return;
    this.#given += 1;
    // Looking at every name is worth it only now and then.
    if (this.#given < capacity / 32) return;
    this.#given = 0;
    const inUse = this.#addresses.inUse();
    const isNear = inUse >= capacity * NEARLY_ALL;
    if (isNear && !this.#hasToldNear) {
      this.#logger.warn(
        `${inUse} of the ${capacity} addresses for names in zones are in use; without one, a name is answered SERVFAIL: ${REMEDY}`,
      );
    }
    this.#hasToldNear = isNear;
    if (!isNear) this.#hasToldFull = false;
  }

  /** There was no address for a name. */
  onRefused(name: string): void {
    this.#refused += 1;
    if (this.#hasToldFull) return;
    this.#hasToldFull = true;
    const { capacity } = this.#addresses.room;
    this.#logger.warn(
      `${name} is answered SERVFAIL, and so are other new names for two minutes at most: all ${capacity} addresses for names in zones ` +
        `are in use; ${REMEDY}`,
    );
  }
}

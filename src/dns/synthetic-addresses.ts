import { addressToNumber, type Cidr, numberToAddress } from '../net/cidr.ts';
import type { Endpoint, IpFamily } from '../net/endpoint.ts';

/** What is remembered of a name from one run to the next. */
export interface SavedMapping {
  readonly name: string;
  /** Of its addresses in both ranges. */
  readonly offset: number;
}

/** What synthetic addresses are made from. */
export interface SyntheticOptions {
  /** 198.18.0.0/15 (RFC 2544: never on the internet), for example. */
  readonly range4: Cidr;
  /** A ULA range (RFC 4193); undefined where it has no route, and then names have no IPv6 address. */
  readonly range6: Cidr | undefined;
  /** Names at once; never more than the ranges have addresses. */
  readonly capacity: number;
  /** For how long after it was last given out an address stays with its name: no less than the TTL of the answer. */
  readonly keepMs: number;
  /** Of an earlier run; what is not right in it is left out. */
  readonly saved: readonly SavedMapping[];
  readonly nowMs: () => number;
}

/** The last address of an IPv4 network is its broadcast address, the one before it is the route's own. */
const RESERVED_AT_END = 2;

interface Mapping {
  readonly name: string;
  readonly offset: number;
  givenAtMs: number;
  flows: number;
}

/**
 * Addresses that stand for names which only the bastion can resolve: a connection to one is opened with the name.
 *
 * A name keeps its address as long as there is room; then the one that was given out longest ago makes room, unless a flow
 * uses it or a client may still remember it. Offset 0, the network's own address, is never given.
 */
export class SyntheticAddresses {
  readonly #options: SyntheticOptions;
  readonly #capacity: number;
  /** In the order in which they were given out. */
  readonly #byName = new Map<string, Mapping>();
  readonly #byOffset = new Map<number, Mapping>();
  #nextOffset = 1;
  #revision = 0;

  constructor(options: SyntheticOptions) {
    this.#options = options;
    const sizes = [options.range4, options.range6].flatMap((range) =>
      range === undefined ? [] : [sizeOf(range)],
    );
    this.#capacity = Math.min(options.capacity, ...sizes.map((size) => size - RESERVED_AT_END - 1));
    for (const { name, offset } of options.saved) {
      const isRight = Number.isInteger(offset) && offset >= 1 && offset <= this.#capacity;
      const canonical = canonicalName(name);
      if (!isRight || this.#byName.has(canonical) || this.#byOffset.has(offset)) continue;
      // As if just given: clients of the earlier run may remember it.
      this.#insert({ name: canonical, offset, givenAtMs: options.nowMs(), flows: 0 });
    }
  }

  /** Another one when what {@link SyntheticAddresses.save} gives has changed, but for its order. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether names have addresses of the family. */
  has(family: IpFamily): boolean {
    return this.#range(family) !== undefined;
  }

  /** The address of a name, a new one if it has none; undefined when there is no room, or no range of the family. */
  addressOf(name: string, family: IpFamily): string | undefined {
    const range = this.#range(family);
    const mapping = range === undefined ? undefined : (this.#known(name) ?? this.#add(name));
    if (range === undefined || mapping === undefined) return undefined;
    return numberToAddress(family, range.first + BigInt(mapping.offset));
  }

  /** The name that an address stands for. */
  nameOf({ family, address }: Pick<Endpoint, 'family' | 'address'>): string | undefined {
    return this.#at(family, address)?.name;
  }

  /** Keeps an address with its name while a flow uses it. @returns what ends that, once; undefined for no such address */
  hold({ family, address }: Pick<Endpoint, 'family' | 'address'>): (() => void) | undefined {
    const mapping = this.#at(family, address);
    if (mapping === undefined) return undefined;
    mapping.flows += 1;
    let isHeld = true;
    return () => {
      if (isHeld) mapping.flows -= 1;
      isHeld = false;
    };
  }

  /** What a later run is to be given; the one that was given out longest ago first. */
  save(): readonly SavedMapping[] {
    return [...this.#byName.values()].map(({ name, offset }) => ({ name, offset }));
  }

  #known(name: string): Mapping | undefined {
    const mapping = this.#byName.get(canonicalName(name));
    if (mapping === undefined) return undefined;
    mapping.givenAtMs = this.#options.nowMs();
    this.#byName.delete(mapping.name);
    this.#byName.set(mapping.name, mapping);
    return mapping;
  }

  #add(name: string): Mapping | undefined {
    const offset = this.#byName.size < this.#capacity ? this.#freeOffset() : this.#makeRoom();
    if (offset === undefined) return undefined;
    const mapping = { name: canonicalName(name), offset, givenAtMs: this.#options.nowMs(), flows: 0 };
    this.#insert(mapping);
    return mapping;
  }

  /** There is one: fewer are taken than there may be. */
  #freeOffset(): number {
    while (this.#byOffset.has(this.#nextOffset)) this.#nextOffset = (this.#nextOffset % this.#capacity) + 1;
    return this.#nextOffset;
  }

  #makeRoom(): number | undefined {
    const oldestAllowedMs = this.#options.nowMs() - this.#options.keepMs;
    for (const mapping of this.#byName.values()) {
      // All that follow were given out later.
      if (mapping.givenAtMs > oldestAllowedMs) return undefined;
      if (mapping.flows > 0) continue;
      this.#byName.delete(mapping.name);
      this.#byOffset.delete(mapping.offset);
      return mapping.offset;
    }
    return undefined;
  }

  #insert(mapping: Mapping): void {
    this.#revision += 1;
    this.#byName.set(mapping.name, mapping);
    this.#byOffset.set(mapping.offset, mapping);
  }

  #at(family: IpFamily, address: string): Mapping | undefined {
    const range = this.#range(family);
    const value = addressToNumber(family, address);
    if (range === undefined || value < range.first || value > range.last) return undefined;
    return this.#byOffset.get(Number(value - range.first));
  }

  #range(family: IpFamily): Cidr | undefined {
    return family === 4 ? this.#options.range4 : this.#options.range6;
  }
}

function sizeOf(range: Cidr): number {
  return Number(range.last - range.first + 1n);
}

function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

import type { Cidr } from '../../net/address/cidr.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { addressToNumber, type IpFamily, numberToAddress } from '../../net/address/literal.ts';
import { canonicalName } from '../../net/address/zone.ts';

/** What is remembered of a name from one run to the next. */
export interface SavedMapping {
  readonly name: string;
  /** Of its addresses in both ranges of its block. */
  readonly offset: number;
  /** When it was last used; undefined where that is not known: clients of the earlier run may remember it. */
  readonly unusedForMs?: number;
}

/** A part of the ranges that addresses are taken from. */
export interface AddressBlock {
  /** Of 198.18.0.0/15 (RFC 2544: never on the internet), for example. */
  readonly range4: Cidr;
  /** Of a ULA range (RFC 4193); undefined where it has no route, and then names have no IPv6 address. */
  readonly range6: Cidr | undefined;
}

/** What synthetic addresses go by. */
export interface SyntheticOptions {
  /** For how long after it was last used an address stays with its name: no less than the TTL of the answer. */
  readonly keepMs: number;
  readonly nowMs: () => number;
}

/** How many names there may be, and are. */
export interface AddressRoom {
  readonly names: number;
  readonly capacity: number;
}

/** Of a block, however large it is: so much is remembered, and written to one file. */
const MAX_NAMES_PER_BLOCK = 8_189;

/** The last address of an IPv4 network is its broadcast address, the one before it is the route's own. */
const RESERVED_AT_END = 2;

interface Block extends AddressBlock {
  readonly capacity: number;
  readonly byOffset: Map<number, Mapping>;
  nextOffset: number;
  revision: number;
}

interface Mapping {
  readonly name: string;
  readonly block: Block;
  readonly offset: number;
  usedAtMs: number;
  flows: number;
}

/**
 * Addresses that stand for names which only the bastion can resolve: a connection to one is opened with the name.
 *
 * A name keeps its address as long as there is room; then the one that was used longest ago makes room, unless a flow
 * uses it or a client may still remember it. Offset 0, a block's own address, is never given.
 */
export class SyntheticAddresses {
  readonly #options: SyntheticOptions;
  readonly #blocks: Block[] = [];
  /** In the order of their last use. */
  readonly #byName = new Map<string, Mapping>();

  constructor(options: SyntheticOptions) {
    this.#options = options;
  }

  /**
   * Gives addresses of another block, too. What is not right in what was saved of it is left out.
   *
   * @returns what tells of the block; `revision` is another one when what `save` gives has changed, but for its times
   */
  add(
    addresses: AddressBlock,
    saved: readonly SavedMapping[],
  ): { readonly revision: () => number; readonly save: () => readonly SavedMapping[] } {
    const block: Block = {
      ...addresses,
      capacity: capacityOf(addresses),
      byOffset: new Map(),
      nextOffset: 1,
      revision: 0,
    };
    this.#blocks.push(block);
    const nowMs = this.#options.nowMs();
    for (const { name, offset, unusedForMs = 0 } of saved) {
      const isRight = Number.isInteger(offset) && offset >= 1 && offset <= block.capacity;
      const canonical = canonicalName(name);
      if (!isRight || this.#byName.has(canonical) || block.byOffset.has(offset)) continue;
      const usedAtMs = nowMs - Math.max(unusedForMs, 0);
      this.#insert({ name: canonical, block, offset, usedAtMs, flows: 0 });
    }
    if (saved.length > 0) this.#sort();
    return {
      revision: () => block.revision,
      save: () => this.#save(block),
    };
  }

  /** How much room there is. */
  get room(): AddressRoom {
    return {
      names: this.#byName.size,
      capacity: this.#blocks.reduce((sum, { capacity }) => sum + capacity, 0),
    };
  }

  /** How many names have an address that no other name may have yet. Visits every name: not for every query. */
  inUse(): number {
    const latestUnusedMs = this.#options.nowMs() - this.#options.keepMs;
    let unused = 0;
    for (const { usedAtMs, flows } of this.#byName.values()) {
      if (usedAtMs <= latestUnusedMs && flows === 0) unused += 1;
    }
    return this.#byName.size - unused;
  }

  /** Whether names have addresses of the family. */
  has(family: IpFamily): boolean {
    return this.#blocks.some((block) => rangeOf(block, family) !== undefined);
  }

  /** The address of a name, a new one if it has none; undefined when there is no room, or no range of the family. */
  addressOf(name: string, family: IpFamily): string | undefined {
    if (!this.has(family)) return undefined;
    const mapping = this.#known(name) ?? this.#give(name);
    const range = mapping === undefined ? undefined : rangeOf(mapping.block, family);
    if (range === undefined || mapping === undefined) return undefined;
    return numberToAddress(family, range.first + BigInt(mapping.offset));
  }

  /**
   * What an address stands for: `outside` the blocks for itself, `nothing` for one of theirs that no name has. A name keeps its
   * address while it is held; `release` ends that, once.
   */
  hold({
    family,
    address,
  }: Pick<Endpoint, 'family' | 'address'>):
    | 'outside'
    | 'nothing'
    | { readonly name: string; readonly release: () => void } {
    const value = addressToNumber(family, address);
    for (const block of this.#blocks) {
      const range = rangeOf(block, family);
      if (range === undefined || value < range.first || value > range.last) continue;
      const mapping = block.byOffset.get(Number(value - range.first));
      if (mapping === undefined) return 'nothing';
      return { name: mapping.name, release: this.#hold(mapping) };
    }
    return 'outside';
  }

  #hold(mapping: Mapping): () => void {
    mapping.flows += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      mapping.flows -= 1;
      // Its application may try again, with the address that it knows.
      this.#use(mapping);
    };
  }

  #known(name: string): Mapping | undefined {
    const mapping = this.#byName.get(canonicalName(name));
    if (mapping !== undefined) this.#use(mapping);
    return mapping;
  }

  #use(mapping: Mapping): void {
    mapping.usedAtMs = this.#options.nowMs();
    this.#byName.delete(mapping.name);
    this.#byName.set(mapping.name, mapping);
  }

  #give(name: string): Mapping | undefined {
    const free = this.#free() ?? this.#makeRoom();
    if (free === undefined) return undefined;
    const mapping = { name: canonicalName(name), ...free, usedAtMs: this.#options.nowMs(), flows: 0 };
    this.#insert(mapping);
    return mapping;
  }

  #free(): Pick<Mapping, 'block' | 'offset'> | undefined {
    const block = this.#blocks.find(({ byOffset, capacity }) => byOffset.size < capacity);
    if (block === undefined) return undefined;
    // There is one: fewer are taken than there may be.
    while (block.byOffset.has(block.nextOffset)) block.nextOffset = (block.nextOffset % block.capacity) + 1;
    return { block, offset: block.nextOffset };
  }

  #makeRoom(): Pick<Mapping, 'block' | 'offset'> | undefined {
    const latestUnusedMs = this.#options.nowMs() - this.#options.keepMs;
    for (const { name, block, offset, usedAtMs, flows } of this.#byName.values()) {
      // All that follow were used later.
      if (usedAtMs > latestUnusedMs) return undefined;
      if (flows > 0) continue;
      this.#byName.delete(name);
      block.byOffset.delete(offset);
      return { block, offset };
    }
    return undefined;
  }

  #insert(mapping: Mapping): void {
    mapping.block.revision += 1;
    this.#byName.set(mapping.name, mapping);
    mapping.block.byOffset.set(mapping.offset, mapping);
  }

  /** Blocks are saved each by itself: what was used longest ago comes first of them all. */
  #sort(): void {
    const mappings = [...this.#byName.values()].sort((a, b) => a.usedAtMs - b.usedAtMs);
    this.#byName.clear();
    for (const mapping of mappings) this.#byName.set(mapping.name, mapping);
  }

  #save(block: Block): readonly SavedMapping[] {
    const nowMs = this.#options.nowMs();
    return [...this.#byName.values()].flatMap((mapping) => {
      if (mapping.block !== block) return [];
      const unusedForMs = mapping.flows > 0 ? 0 : Math.round(nowMs - mapping.usedAtMs);
      return [{ name: mapping.name, offset: mapping.offset, unusedForMs }];
    });
  }
}

/** Names of a block at once: never more than its smaller range has addresses. */
export function capacityOf({ range4, range6 }: AddressBlock): number {
  const sizes = [range4, ...(range6 === undefined ? [] : [range6])].map((range) =>
    Number(range.last - range.first + 1n),
  );
  return Math.min(MAX_NAMES_PER_BLOCK, ...sizes.map((size) => size - RESERVED_AT_END - 1));
}

function rangeOf({ range4, range6 }: AddressBlock, family: IpFamily): Cidr | undefined {
  return family === 4 ? range4 : range6;
}

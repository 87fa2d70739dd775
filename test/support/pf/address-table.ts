import { isIP } from 'node:net';
import { addressBits, addressToNumber, familyOf, type IpFamily } from '../../../src/net/address/literal.ts';

interface Entry {
  readonly family: IpFamily;
  readonly length: number;
  /** The address without the bits beyond the prefix. */
  readonly network: bigint;
  readonly negated: boolean;
}

/** A table of pf: of all entries that an address is in, the one with the longest prefix says whether it is in the table. */
export class AddressTable {
  readonly #networks: Readonly<Record<IpFamily, Map<number, Map<bigint, boolean>>>> = {
    4: new Map(),
    6: new Map(),
  };
  #lengths: Readonly<Record<IpFamily, readonly number[]>> = { 4: [], 6: [] };

  /** @param entries `10.0.0.0/8` or `!10.0.0.1` each */
  constructor(entries: readonly string[]) {
    this.add(entries);
  }

  /** `pfctl -T add`. */
  add(entries: readonly string[]): void {
    for (const entry of entries) {
      const { family, length, network, negated } = parseEntry(entry);
      const ofLength = this.#networks[family].get(length) ?? new Map<bigint, boolean>();
      this.#networks[family].set(length, ofLength);
      ofLength.set(network, negated);
    }
    this.#sortLengths();
  }

  /** `pfctl -T delete`. */
  delete(entries: readonly string[]): void {
    for (const entry of entries) {
      const { family, length, network } = parseEntry(entry);
      this.#networks[family].get(length)?.delete(network);
    }
  }

  /** `pfctl -T replace`. */
  replace(entries: readonly string[]): void {
    this.#networks[4].clear();
    this.#networks[6].clear();
    this.add(entries);
  }

  /** Whether the table holds an address. */
  has(family: IpFamily, address: bigint): boolean {
    const bits = addressBits(family);
    for (const length of this.#lengths[family]) {
      const negated = this.#networks[family].get(length)?.get(address >> BigInt(bits - length));
      if (negated !== undefined) return !negated;
    }
    return false;
  }

  #sortLengths(): void {
    const sorted = (family: IpFamily): readonly number[] =>
      [...this.#networks[family].keys()].sort((a, b) => b - a);
    this.#lengths = { 4: sorted(4), 6: sorted(6) };
  }
}

function parseEntry(text: string): Entry {
  const negated = text.startsWith('!');
  const [address = '', lengthText] = text.replace(/^!\s*/, '').split('/');
  if (isIP(address) === 0) throw new Error(`pf: not an address: ${text}`);
  const family = familyOf(address);
  const bits = addressBits(family);
  const length = lengthText === undefined ? bits : Number(lengthText);
  if (!Number.isInteger(length) || length < 0 || length > bits) throw new Error(`pf: not a network: ${text}`);
  return { family, length, network: addressToNumber(family, address) >> BigInt(bits - length), negated };
}

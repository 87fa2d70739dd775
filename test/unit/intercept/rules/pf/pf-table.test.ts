import { describe, expect, it } from 'vitest';
import { tableEntries } from '../../../../../src/intercept/rules/pf/pf-table.ts';
import { type Range, subtractRanges, uniteRanges } from '../../../../../src/intercept/rules/pf/ranges.ts';
import { seededRandom } from '../seeded-random.ts';

const range = (first: number, last: number): Range => ({ first: BigInt(first), last: BigInt(last) });

/** The numbers at which something is held, neighbours joined. */
function rangesOf(held: readonly boolean[]): readonly Range[] {
  return uniteRanges(
    held.flatMap((isHeld, index) => (isHeld ? [range(index, index)] : [])),
    [],
  );
}

describe('tableEntries', () => {
  it.each<[string, readonly Range[], readonly string[]]>([
    ['nothing', [], []],
    ['an address', [range(7, 7)], ['0.0.0.7']],
    ['the last address', [range(0xffff_ffff, 0xffff_ffff)], ['255.255.255.255']],
    ['everything, without a prefix of length 0', [range(0, 0xffff_ffff)], ['0.0.0.0/1', '128.0.0.0/1']],
    ['a network without one in it', [range(0, 15), range(32, 255)], ['0.0.0.0/24', '!0.0.0.16/28']],
    ['all but the last', [range(0, 254)], ['0.0.0.0/24', '!0.0.0.255']],
    [
      'an address in a hole of a network',
      [range(0, 63), range(70, 70), range(128, 511)],
      ['0.0.0.0/23', '!0.0.0.64/26', '0.0.0.70'],
    ],
  ])('%s', (_, ranges, entries) => {
    expect(tableEntries(4, ranges)).toEqual(entries);
  });

  it('holds exactly the addresses, with no more entries than their networks', () => {
    const { seed, random } = seededRandom();
    for (let round = 0; round < 60; round += 1) {
      const isIn = Array.from({ length: 64 }, () => random(3) === 0);
      const entries = tableEntries(4, rangesOf(isIn)).map((text) => {
        const [, negated, last, length = '32'] = /^(!?)0\.0\.0\.(\d+)(?:\/(\d+))?$/.exec(text) ?? [];
        return { negated: negated === '!', first: Number(last), length: Number(length) };
      });
      const held = isIn.map((_, address) => {
        const matching = entries.filter(
          ({ first, length }) => first >> (32 - length) === address >> (32 - length),
        );
        return matching.sort((a, b) => b.length - a.length)[0]?.negated === false;
      });
      expect(held, `seed ${seed}`).toEqual(isIn);
      expect(entries.length, `seed ${seed}`).toBeLessThanOrEqual(isIn.filter(Boolean).length);
    }
  });
});

describe('subtractRanges and uniteRanges', () => {
  it('do what they say for each address', () => {
    const { seed, random } = seededRandom();
    const some = () => Array.from({ length: 24 }, () => random(2) === 0);
    const held = (ranges: readonly Range[]) =>
      Array.from({ length: 24 }, (_, index) =>
        ranges.some(({ first, last }) => first <= index && index <= last),
      );
    for (let round = 0; round < 100; round += 1) {
      const [a, b] = [some(), some()];
      const [inA, inB] = [rangesOf(a), rangesOf(b)];
      expect(held(uniteRanges(inA, inB)), `seed ${seed}`).toEqual(a.map((one, index) => one || b[index]));
      expect(held(subtractRanges(inA, inB)), `seed ${seed}`).toEqual(a.map((one, index) => one && !b[index]));
    }
  });
});

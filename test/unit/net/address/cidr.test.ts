import { describe, expect, it, test } from 'vitest';
import {
  isWithin,
  middleOf,
  prefixLengthOf,
  rangeOfAddress,
  rangesOverlap,
} from '../../../../src/net/address/cidr.ts';
import { addressToNumber, numberToAddress } from '../../../../src/net/address/literal.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';

describe('of two ranges', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8', true, true],
    ['10.1.0.0/16', '10.0.0.0/8', true, true],
    ['10.0.0.0/8', '10.1.0.0/16', false, true],
    ['10.255.255.255', '10.0.0.0/8', true, true],
    ['11.0.0.0', '10.0.0.0/8', false, false],
    ['::a00:1', '10.0.0.0/8', false, false],
    ['::/0', '0/0', false, false],
  ])('%s within %s: %s, and they overlap: %s', (inner, outer, within, overlap) => {
    const [a, b] = [parseCidr(inner)!, parseCidr(outer)!];
    expect(isWithin(a, b)).toBe(within);
    expect(rangesOverlap(a, b)).toBe(overlap);
    expect(rangesOverlap(b, a)).toBe(overlap);
  });
});

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['10.0.0.0/31', '10.0.0.1'],
  ['10.0.0.0/24', '10.0.0.128'],
  ['::/0', '8000::'],
])('the middle of %s is %s', (text, middle) => {
  const cidr = parseCidr(text)!;
  expect(numberToAddress(cidr.family, middleOf(cidr))).toBe(middle);
});

test('an address is a range of one', () => {
  expect(rangeOfAddress(4, '10.0.0.1')).toEqual({ family: 4, first: 0x0a000001n, last: 0x0a000001n });
});

describe('prefixLengthOf', () => {
  it.each([
    ['0.0.0.0', '255.255.255.255', 0],
    ['10.0.0.0', '10.255.255.255', 8],
    ['10.0.0.1', '10.0.0.1', 32],
    ['10.0.0.1', '10.0.0.2', undefined],
    ['10.0.0.0', '10.0.0.2', undefined],
  ])('of %s to %s is %s', (first, last, expected) => {
    const range = { family: 4, first: addressToNumber(4, first), last: addressToNumber(4, last) } as const;
    expect(prefixLengthOf(range)).toBe(expected);
  });
});

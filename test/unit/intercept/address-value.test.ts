import { describe, expect, it } from 'vitest';
import { addressValue, prefixLengthOf } from '../../../src/intercept/address-value.ts';
import { addressToNumber, numberToAddress } from '../../../src/net/address/cidr.ts';
import { seededRandom } from './seeded-random.ts';

describe('addressValue', () => {
  it.each([
    '::',
    '::1',
    '1::',
    '2001:db8::8:0',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:10.0.0.1',
  ])('reads %s', (address) => {
    expect(addressValue(6, address)).toBe(addressToNumber(6, address));
  });

  it('agrees with net/cidr on random addresses', () => {
    const { seed, random } = seededRandom();
    for (let round = 0; round < 2_000; round += 1) {
      const value4 = BigInt(random(2 ** 32));
      let value6 = 0n;
      for (let part = 0; part < 8; part += 1) value6 = (value6 << 16n) | BigInt(random(2) * random(65_536));
      expect(addressValue(4, numberToAddress(4, value4)), `seed ${seed}`).toBe(value4);
      expect(addressValue(6, numberToAddress(6, value6)), `seed ${seed}`).toBe(value6);
    }
  });
});

describe('prefixLengthOf', () => {
  it.each([
    ['0.0.0.0', '255.255.255.255', 0],
    ['10.0.0.0', '10.255.255.255', 8],
    ['10.0.0.1', '10.0.0.1', 32],
    ['10.0.0.1', '10.0.0.2', undefined],
    ['10.0.0.0', '10.0.0.2', undefined],
  ])('of %s to %s is %s', (first, last, expected) => {
    expect(prefixLengthOf(4, addressValue(4, first), addressValue(4, last))).toBe(expected);
  });
});

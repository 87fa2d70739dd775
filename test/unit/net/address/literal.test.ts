import { describe, expect, it } from 'vitest';
import { addressBytes } from '../../../../src/net/address/literal.ts';

describe('addressBytes', () => {
  it.each([
    ['0.0.0.0', '00000000'],
    ['198.18.255.1', 'c612ff01'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['fd9b:4e27:6cd1::a', 'fd9b4e276cd10000000000000000000a'],
    ['2001:db8::', '20010db8000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
  ])('%s', (address, bytes) => {
    expect(addressBytes(address).toString('hex')).toBe(bytes);
  });
});

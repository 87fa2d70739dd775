import { IPv4, IPv6 } from 'ip-num';
import { describe, expect, it, test } from 'vitest';
import {
  addressBytes,
  addressToNumber,
  bytesToAddress,
  canonicalAddress,
  isLoopback,
  numberToAddress,
} from '../../../../src/net/address/literal.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';
import { seededRandom } from '../../intercept/rules/seeded-random.ts';

describe('addressBytes', () => {
  it.each([
    ['0.0.0.0', '00000000'],
    ['198.18.255.1', 'c612ff01'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['fd9b:4e27:6cd1::a', 'fd9b4e276cd10000000000000000000a'],
    ['2001:db8::', '20010db8000000000000000000000000'],
    ['2001:0DB8::00ff', '20010db80000000000000000000000ff'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
    ['1:2:3:4:5:6:10.0.0.1', '0001000200030004000500060a000001'],
  ])('%s', (address, bytes) => {
    expect(addressBytes(address).toString('hex')).toBe(bytes);
  });
});

describe('a literal address and its number', () => {
  it('are what ip-num reads, in whatever way the address is written', () => {
    const { seed, random } = seededRandom();
    for (let round = 0; round < 1_000; round += 1) {
      for (const text of [writtenIpv4(random), writtenIpv6(random)]) {
        const family = text.includes(':') ? 6 : 4;
        const value = addressToNumber(family, text);
        const address = numberToAddress(family, value);
        const read = family === 4 ? IPv4.fromString(text) : IPv6.fromString(text);
        expect(value, `seed ${seed}: ${text}`).toBe(read.value);
        // What is mapped parseCidr has as IPv4.
        const isMapped = family === 6 && value >> 32n === 0xffffn;
        expect(parseCidr(text)?.first, `seed ${seed}: ${text}`).toBe(isMapped ? value & 0xffff_ffffn : value);
        expect(addressToNumber(family, address), `seed ${seed}: ${text}`).toBe(value);
        expect(bytesToAddress(addressBytes(text)), `seed ${seed}: ${text}`).toBe(address);
        expect(canonicalAddress(text), `seed ${seed}: ${text}`).toBe(address);
      }
    }
  });
});

type Random = ReturnType<typeof seededRandom>['random'];

function writtenIpv4(random: Random): string {
  return Array.from({ length: 4 }, () => random(256)).join('.');
}

/** With zeros before a group, capitals, a gap of one group or more, and an end as IPv4 is written. */
function writtenIpv6(random: Random): string {
  const group = (): string => {
    const digits = (random(3) === 0 ? 0 : random(65_536)).toString(16);
    return random(3) === 0 ? digits.padStart(4, '0').toUpperCase() : digits;
  };
  const end = random(3) === 0 ? [writtenIpv4(random)] : [];
  const groupCount = 8 - 2 * end.length;
  if (random(2) === 0) return [...Array.from({ length: groupCount }, group), ...end].join(':');
  const left = Array.from({ length: random(groupCount) }, group);
  const right = Array.from({ length: random(groupCount - left.length) }, group);
  return `${left.join(':')}::${[...right, ...end].join(':')}`;
}

describe('canonicalAddress', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['::10.0.0.1', '::a00:1'],
    ['0:0:1:0:0:0:0:0', '0:0:1::'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test.each([
    '',
    '010.0.0.1',
    '0x0a.0.0.1',
    '167772161',
    '10.0.0',
    '10.0.0.1 ',
    '::1%lo',
    '[::1]',
    'localhost',
  ])('%j is no address', (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.255.255.255', true],
  ['::1', true],
  ['0:0::1', true],
  ['::ffff:127.0.0.1', true],
  ['::FFFF:7f00:1', true],
  ['0:0:0:0:0:ffff:127.1.2.3', true],
  ['128.0.0.1', false],
  ['::', false],
  ['::ffff:10.0.0.1', false],
  ['::7f00:1', false],
])('%s is a loopback address: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

import { describe, expect, it } from 'vitest';
import {
  type AddressBlock,
  type SavedMapping,
  SyntheticAddresses,
} from '../../../../src/dns/zone/synthetic-addresses.ts';
import { blockCountOf, blockOf } from '../../../../src/dns/zone/synthetic-blocks.ts';
import { formatCidr } from '../../../../src/net/address/cidr.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';

const KEEP_MS = 1_000;

function blockAt(network4: string, network6?: string): AddressBlock {
  return { range4: parseCidr(network4)!, range6: network6 === undefined ? undefined : parseCidr(network6) };
}

/** With room for five names. */
const SMALL = blockAt('198.18.0.0/29', 'fd00:7473::/64');

function make(block: AddressBlock = SMALL, saved: readonly SavedMapping[] = []) {
  const clock = { nowMs: 1_000_000 };
  const addresses = new SyntheticAddresses({ keepMs: KEEP_MS, nowMs: () => clock.nowMs });
  const first = addresses.add(block, saved);
  return { addresses, clock, first };
}

const at = (address: string) => ({ family: address.includes(':') ? 6 : 4, address }) as const;
const NAMES = ['a', 'b', 'c', 'd', 'e'];

function give(addresses: SyntheticAddresses, names: readonly string[]): Array<string | undefined> {
  return names.map((name) => addresses.addressOf(name, 4));
}

function nameAt(addresses: SyntheticAddresses, address: string): string {
  const held = addresses.hold(at(address));
  if (typeof held === 'string') return held;
  held.release();
  return held.name;
}

function holdAt(addresses: SyntheticAddresses, address: string): () => void {
  const held = addresses.hold(at(address));
  if (typeof held === 'string') throw new Error(held);
  return held.release;
}

describe('SyntheticAddresses', () => {
  it('gives a name the same address in both families, however it is written, and leads back to it', () => {
    const { addresses } = make();
    expect(addresses.addressOf('DB.example.', 4)).toBe('198.18.0.1');
    expect(addresses.addressOf('other', 4)).toBe('198.18.0.2');
    expect(addresses.addressOf('db.example', 6)).toBe('fd00:7473::1');
    expect(nameAt(addresses, '198.18.0.1')).toBe('db.example');
    expect(nameAt(addresses, 'fd00:7473::2')).toBe('other');
    for (const address of ['198.18.0.0', '198.18.0.3', 'fd00:7473::3'])
      expect(nameAt(addresses, address)).toBe('nothing');
    for (const address of ['198.18.0.8', '198.17.255.255', 'fd00:7474::1'])
      expect(nameAt(addresses, address)).toBe('outside');
  });

  it('has no IPv6 address where that range has no route', () => {
    expect(make(blockAt('198.18.0.0/29')).addresses.addressOf('db', 6)).toBeUndefined();
  });

  it('keeps an address that a flow uses or a client may remember, and gives the one that was unused for longest anew', () => {
    const { addresses, clock } = make();
    give(addresses, NAMES);
    const release = holdAt(addresses, '198.18.0.1');
    expect(addresses.addressOf('f', 4), 'all may be remembered').toBeUndefined();
    clock.nowMs += KEEP_MS;
    expect(addresses.addressOf('f', 4), 'a is in use').toBe('198.18.0.2');
    expect(nameAt(addresses, '198.18.0.2')).toBe('f');
    expect(give(addresses, ['g', 'h', 'i'])).toEqual(['198.18.0.3', '198.18.0.4', '198.18.0.5']);
    expect(addresses.addressOf('j', 4), 'a is in use, the others are new').toBeUndefined();
    release();
    expect(addresses.addressOf('j', 4), 'an application may try again where it was').toBeUndefined();
    clock.nowMs += KEEP_MS;
    release();
    expect(addresses.addressOf('f', 4), 'asked for again').toBe('198.18.0.2');
    expect(addresses.addressOf('j', 4)).toBe('198.18.0.3');
    expect(addresses.addressOf('g', 4), 'the next').toBe('198.18.0.4');
  });

  it('takes addresses of another block when there is one, and keeps those that were given', () => {
    const { addresses, first } = make();
    expect(give(addresses, [...NAMES, 'f']).at(-1)).toBeUndefined();
    const second = addresses.add(blockAt('198.18.0.16/29', 'fd00:7473:0:1::/64'), []);
    expect(addresses.room).toEqual({ names: 5, capacity: 10 });
    expect(addresses.addressOf('f', 4)).toBe('198.18.0.17');
    expect(addresses.addressOf('f', 6)).toBe('fd00:7473:0:1::1');
    expect(addresses.addressOf('a', 4)).toBe('198.18.0.1');
    expect(nameAt(addresses, '198.18.0.17')).toBe('f');
    expect(first.save().map(({ name }) => name)).not.toContain('f');
    expect(second.save()).toEqual([{ name: 'f', offset: 1, unusedForMs: 0 }]);
  });

  it('goes on where an earlier run ended, and leaves out what is not right', () => {
    const earlier = make();
    give(earlier.addresses, ['a', 'b']);
    const wrong = [
      { name: 'a', offset: 3 },
      { name: 'x', offset: 1 },
      { name: 'y', offset: 0 },
      { name: 'z', offset: 6 },
      { name: 'w', offset: 1.5 },
    ];
    const { addresses, first } = make(SMALL, [...earlier.first.save(), ...wrong]);
    expect(first.save()).toEqual(earlier.first.save());
    expect(addresses.addressOf('b', 4)).toBe('198.18.0.2');
    expect(addresses.addressOf('c', 4)).toBe('198.18.0.3');
  });

  it('gives an address of an earlier run anew when nobody can remember it, and else as any other', () => {
    const saved = NAMES.map((name, index) => ({ name, offset: index + 1 }));
    const { addresses } = make(SMALL, saved);
    expect(addresses.addressOf('f', 4), 'nothing is known of when they were used').toBeUndefined();
    const ended = saved.map((mapping, index) => ({ ...mapping, unusedForMs: index * 600 }));
    const later = make(SMALL, ended).addresses;
    expect(later.inUse()).toBe(2);
    expect(give(later, ['f', 'g', 'h', 'i'])).toEqual(['198.18.0.5', '198.18.0.4', '198.18.0.3', undefined]);
  });

  it('tells how many addresses no other name may have yet', () => {
    const { addresses, clock } = make();
    give(addresses, ['a', 'b', 'c']);
    expect(addresses.inUse()).toBe(3);
    const release = holdAt(addresses, '198.18.0.1');
    clock.nowMs += KEEP_MS;
    expect(addresses.inUse()).toBe(1);
    release();
    expect(addresses.inUse()).toBe(1);
    expect(addresses.room).toEqual({ names: 3, capacity: 5 });
  });

  it('has no more names than the smaller range of a block has addresses, but the last two, and one file can hold', () => {
    expect(give(make().addresses, [...NAMES, 'f'])).toEqual([
      '198.18.0.1',
      '198.18.0.2',
      '198.18.0.3',
      '198.18.0.4',
      '198.18.0.5',
      undefined,
    ]);
    expect(make(blockAt('198.0.0.0/8')).addresses.room.capacity).toBe(8_189);
  });

  it('has another revision when there is something new to save, and only then', () => {
    const { addresses, first } = make();
    const before = first.revision();
    addresses.addressOf('a', 4);
    const after = first.revision();
    expect(after).not.toBe(before);
    addresses.addressOf('A', 4);
    expect(first.revision()).toBe(after);
  });
});

it.each([
  ['198.18.0.0/15', 16, '198.18.32.0/19'],
  ['198.18.0.0/23', 16, '198.18.0.32/27'],
  ['198.18.0.0/25', 4, '198.18.0.32/27'],
])('%s is divided into %d blocks, none too small for a program', (range, count, second) => {
  const cidr = parseCidr(range)!;
  expect(blockCountOf(cidr)).toBe(count);
  expect(formatCidr(blockOf(cidr, count, 1))).toBe(second);
});

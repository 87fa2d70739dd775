import { describe, expect, it } from 'vitest';
import { SyntheticAddresses, type SyntheticOptions } from '../../../src/dns/synthetic-addresses.ts';
import { parseCidr } from '../../../src/net/cidr.ts';

function make(more: Partial<SyntheticOptions> = {}) {
  const clock = { nowMs: 0 };
  const addresses = new SyntheticAddresses({
    range4: parseCidr('198.18.0.0/15')!,
    range6: parseCidr('fd00:7473::/64'),
    capacity: 3,
    keepMs: 1_000,
    saved: [],
    nowMs: () => clock.nowMs,
    ...more,
  });
  return { addresses, clock };
}

const at = (address: string) => ({ family: 4, address }) as const;

describe('SyntheticAddresses', () => {
  it('gives a name the same address in both families, however it is written, and leads back to it', () => {
    const { addresses } = make();
    expect(addresses.addressOf('DB.example.', 4)).toBe('198.18.0.1');
    expect(addresses.addressOf('other', 4)).toBe('198.18.0.2');
    expect(addresses.addressOf('db.example', 6)).toBe('fd00:7473::1');
    expect(addresses.nameOf(at('198.18.0.1'))).toBe('db.example');
    expect(addresses.nameOf({ family: 6, address: 'fd00:7473::2' })).toBe('other');
    for (const address of ['198.18.0.0', '198.18.0.3', '198.17.255.255', '198.20.0.1']) {
      expect(addresses.nameOf(at(address)), address).toBeUndefined();
    }
  });

  it('has no IPv6 address where that range has no route', () => {
    expect(make({ range6: undefined }).addresses.addressOf('db', 6)).toBeUndefined();
  });

  it('keeps an address that a flow uses or a client may remember, and gives the oldest other one anew', () => {
    const { addresses, clock } = make();
    for (const name of ['a', 'b', 'c']) addresses.addressOf(name, 4);
    const release = addresses.hold(at('198.18.0.1'))!;
    expect(addresses.addressOf('d', 4), 'all may be remembered').toBeUndefined();
    clock.nowMs = 1_000;
    expect(addresses.addressOf('d', 4), 'a is in use').toBe('198.18.0.2');
    expect(addresses.nameOf(at('198.18.0.2'))).toBe('d');
    expect(addresses.addressOf('e', 4)).toBe('198.18.0.3');
    expect(addresses.addressOf('f', 4), 'a is in use, the others are new').toBeUndefined();
    release();
    release();
    expect(addresses.addressOf('f', 4)).toBe('198.18.0.1');
    expect(addresses.hold(at('198.18.0.9'))).toBeUndefined();
  });

  it('counts a name that is asked for again as new', () => {
    const { addresses, clock } = make();
    for (const name of ['a', 'b', 'c']) addresses.addressOf(name, 4);
    clock.nowMs = 1_000;
    addresses.addressOf('a', 4);
    expect(addresses.addressOf('d', 4)).toBe('198.18.0.2');
  });

  it('goes on where an earlier run ended, and leaves out what is not right', () => {
    const earlier = make().addresses;
    for (const name of ['a', 'b']) earlier.addressOf(name, 4);
    const wrong = [
      { name: 'a', offset: 3 },
      { name: 'x', offset: 1 },
      { name: 'y', offset: 0 },
      { name: 'z', offset: 4 },
      { name: 'w', offset: 1.5 },
    ];
    const { addresses } = make({ saved: [...earlier.save(), ...wrong] });
    expect(addresses.save()).toEqual(earlier.save());
    expect(addresses.addressOf('b', 4)).toBe('198.18.0.2');
    expect(addresses.addressOf('c', 4)).toBe('198.18.0.3');
  });

  it('has no more names than the smaller range has addresses, but the last two', () => {
    const { addresses } = make({ range4: parseCidr('198.18.0.0/29')!, capacity: 99 });
    expect(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => addresses.addressOf(name, 4))).toEqual([
      '198.18.0.1',
      '198.18.0.2',
      '198.18.0.3',
      '198.18.0.4',
      '198.18.0.5',
      undefined,
    ]);
  });

  it('has another revision when there is something new to save, and only then', () => {
    const { addresses } = make({ capacity: 2 });
    const first = addresses.revision;
    addresses.addressOf('a', 4);
    const second = addresses.revision;
    expect(second).not.toBe(first);
    addresses.addressOf('A', 4);
    expect(addresses.revision).toBe(second);
  });
});

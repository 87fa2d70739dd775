import { describe, expect, it } from 'vitest';
import { parseZone, zoneOf } from '../../../../src/net/address/zone.ts';

const zones = (...texts: string[]) => texts.map((text) => parseZone(text)!);

describe('parseZone', () => {
  it.each([
    ['Internal.Example.', { name: 'internal.example', includes: 'itself-and-below' }],
    ['.internal', { name: 'internal', includes: 'itself-and-below' }],
    ['*.rds.amazonaws.com', { name: 'rds.amazonaws.com', includes: 'only-below' }],
    ['_ldap._tcp.corp', { name: '_ldap._tcp.corp', includes: 'itself-and-below' }],
  ])('takes %s', (text, zone) => {
    expect(parseZone(text)).toEqual(zone);
  });

  it.each([
    '',
    '.',
    '*',
    '*.',
    '..',
    'a..b',
    'a b',
    '-a',
    'a-',
    'a.*.b',
    '**.a',
    'x'.repeat(64),
    `${'a.'.repeat(127)}a`,
  ])('refuses %j', (text) => {
    expect(parseZone(text)).toBeUndefined();
  });
});

describe('zoneOf', () => {
  it('takes names in any case, with or without the last dot, and whole labels only', () => {
    const [zone] = zones('internal.example');
    for (const name of ['internal.example', 'DB.Internal.Example.', 'a.b.internal.example']) {
      expect(zoneOf(name, [zone!]), name).toBe(zone);
    }
    for (const name of ['example', 'notinternal.example', 'internal.example.org', '', '.']) {
      expect(zoneOf(name, [zone!]), name).toBeUndefined();
    }
  });

  it('leaves the name itself out where only what is below is meant', () => {
    const all = zones('*.rds.amazonaws.com');
    expect(zoneOf('rds.amazonaws.com', all)).toBeUndefined();
    expect(zoneOf('db.rds.amazonaws.com', all)).toBe(all[0]);
  });

  it('takes the longest of several, whatever their order', () => {
    const [short, long] = zones('example', 'internal.example');
    expect(zoneOf('db.internal.example', [short!, long!])).toBe(long);
    expect(zoneOf('db.internal.example', [long!, short!])).toBe(long);
    expect(zoneOf('db.example', [long!, short!])).toBe(short);
  });
});

import { describe, expect, it } from 'vitest';
import { parseDns } from '../../../src/config/dns.ts';
import type { RawOptions } from '../../../src/config/options/table.ts';
import { renderProblem } from '../../../src/core/problem.ts';

const problems = (raw: Partial<RawOptions>) => {
  const result = parseDns(raw);
  return result.kind === 'invalid' ? result.problems.map(renderProblem) : [];
};

describe('parseDns', () => {
  it('leaves DNS alone unless it is asked for', () => {
    expect(parseDns({ everything: false })).toEqual({ kind: 'dns', dns: undefined });
  });

  it('takes the resolvers with or without a port', () => {
    expect(parseDns({ everything: true, resolvers: '10.0.0.2,10.0.0.3:5353,[fd00::53]:5353' })).toMatchObject(
      {
        dns: {
          nameservers: 'system',
          resolvers: [{ port: 53 }, { port: 5353 }, { address: 'fd00::53', port: 5353 }],
        },
      },
    );
    expect(
      parseDns({ everything: false, nameservers: '192.0.2.1,FD00::0:1', resolvers: 'fd00::53' }),
    ).toMatchObject({
      dns: { nameservers: ['192.0.2.1', 'fd00::1'], resolvers: [{ address: 'fd00::53', port: 53 }] },
    });
  });

  it('refuses what would do nothing, and all that is wrong at once', () => {
    expect(problems({ everything: false, resolvers: '10.0.0.2' })[0]).toMatch(
      /^--to-ns 10.0.0.2: has no effect/,
    );
    expect(
      problems({ everything: true, nameservers: 'a,,fe80::1%eth0', resolvers: 'b,1.1.1.1:99999' }),
    ).toHaveLength(5);
    expect(problems({ everything: true, resolvers: '10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4' })).toHaveLength(1);
  });

  it('takes zones, for which alone the resolvers answer unless all names are asked for', () => {
    const domains = ['Internal.Example.', '*.rds.amazonaws.com'];
    const zones = [
      { name: 'internal.example', includes: 'itself-and-below' },
      { name: 'rds.amazonaws.com', includes: 'only-below' },
    ];
    const resolvers = '10.0.0.2';
    expect(parseDns({ zones: domains, resolvers })).toMatchObject({ dns: { everything: false, zones } });
    expect(parseDns({ zones: domains, resolvers, everything: true })).toMatchObject({
      dns: { everything: true, zones },
    });
    const nameservers = '192.0.2.1';
    expect(parseDns({ zones: domains, resolvers, nameservers })).toMatchObject({
      dns: { everything: false },
    });
    expect(parseDns({ resolvers, nameservers })).toMatchObject({ dns: { everything: true } });
  });

  it('takes --seed-hosts for zones of one name, and -H by itself', () => {
    const zones = [
      { name: 'db', includes: 'itself-and-below' },
      { name: 'cache.internal.example', includes: 'itself-and-below' },
    ];
    expect(parseDns({ seedHosts: 'db,Cache.Internal.Example.' })).toMatchObject({ dns: { zones } });
    expect(problems({ seedHosts: 'db,,*.example' })).toHaveLength(2);
    expect(parseDns({ bastionHosts: true })).toMatchObject({
      dns: { bastionHosts: true, everything: false },
    });
  });

  it('takes names with addresses, which need no resolver', () => {
    const hosts = ['Db.Internal.Example=10.0.0.8', 'db.internal.example=FD00::0:8'];
    expect(parseDns({ hosts })).toMatchObject({
      dns: {
        everything: false,
        hosts: [
          { name: 'db.internal.example', address: '10.0.0.8' },
          { name: 'db.internal.example', address: 'fd00::8' },
        ],
      },
    });
    for (const wrong of [
      'a',
      'a=',
      '=10.0.0.8',
      '*.a=10.0.0.8',
      'a=10.0.0',
      'a=fe80::1%eth0',
      'a b=10.0.0.8',
    ]) {
      expect(problems({ hosts: [wrong] }), wrong).toHaveLength(1);
    }
    expect(problems({ zones: ['a..b', '*'], resolvers: '10.0.0.2' })).toHaveLength(2);
  });
});

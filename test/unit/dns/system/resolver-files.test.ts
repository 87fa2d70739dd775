import { describe, expect, it } from 'vitest';
import { resolverFilesFor } from '../../../../src/dns/system/resolver-files.ts';
import { zoneProblems } from '../../../../src/ingress/capture-check/zone-problems.ts';
import { parseZone } from '../../../../src/net/address/zone.ts';

const REDIRECTS = [
  { nameserver: '2001:db8::53', port: 1_001 },
  { nameserver: '192.168.1.1', port: 1_002 },
];
const zones = ['internal.example', '*.internal.example', '*.rds.example'].map((text) => parseZone(text)!);

describe('resolverFilesFor', () => {
  it('names each zone once, and where we stand in for a nameserver of IPv4', () => {
    expect(resolverFilesFor({ nameservers: 'system', zones }, REDIRECTS)).toEqual({
      zones: ['internal.example', 'rds.example'],
      port: 1_002,
    });
  });

  it.each([
    ['there is no zone', { nameservers: 'system', zones: [] }, REDIRECTS],
    ['nameservers are named', { nameservers: ['192.168.1.1'], zones }, REDIRECTS],
    ['all nameservers are of IPv6', { nameservers: 'system', zones }, REDIRECTS.slice(0, 1)],
  ] as const)('names none where %s', (_when, options, redirects) => {
    expect(resolverFilesFor(options, redirects)).toBeUndefined();
  });

  it('names no more than the helper takes', () => {
    const many = Array.from({ length: 200 }, (_, index) => parseZone(`z${index}`)!);
    expect(resolverFilesFor({ nameservers: 'system', zones: many }, REDIRECTS)?.zones).toHaveLength(128);
  });
});

describe('zoneProblems', () => {
  it('says what has become of zones without a file of ours, with the remedy, once for each reason', () => {
    expect(
      zoneProblems([
        { zone: 'a.example', why: 'foreign file' },
        { zone: 'b.example', why: 'other tunnel' },
        { zone: 'c.example', why: 'foreign file' },
        { zone: 'd.example', why: 'refused' },
      ]).map(({ what, remedy }) => `${what} -> ${remedy}`),
    ).toEqual([
      expect.stringMatching(/a\.example.*c\.example.*sudo rm \/etc\/resolver\/a\.example/),
      expect.stringMatching(/another tunnel for b\.example/),
      expect.stringMatching(/d\.example.*ls -ld \/etc\/resolver/),
    ]);
    expect(zoneProblems([])).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import {
  isFromSearch,
  parseSearchRules,
  searchWarning,
  systemSearchRules,
} from '../../../../src/dns/system/search-domains.ts';
import { parseZone } from '../../../../src/net/address/zone.ts';

const zones = (...names: string[]) => names.map((name) => parseZone(name)!);
const CLUSTER = `
nameserver 10.96.0.10
search default.svc.cluster.local svc.cluster.local cluster.local
options ndots:5 timeout:2
`;

describe('search domains', () => {
  it.each([
    [CLUSTER, ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'], 5],
    ['search A.example b.example.\nsearch c.example', ['c.example'], 1],
    ['search a.example\ndomain B.example other', ['b.example'], 1],
    ['# search a.example\n  search .', [], 1],
    ['options ndots:2\noptions rotate ndots:3', [], 3],
    ['', [], 1],
  ] as const)('are read as libc reads them: %j', (text, domains, ndots) => {
    expect(parseSearchRules(text)).toEqual({ domains, ndots });
  });

  it('of the links of systemd-resolved count too', () => {
    const files: Record<string, string> = {
      '/etc/resolv.conf': 'nameserver 127.0.0.53\noptions ndots:2\nsearch a.example',
      '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.1\nsearch a.example b.example',
    };
    expect(systemSearchRules((path) => files[path] ?? '')).toEqual({
      domains: ['a.example', 'b.example'],
      ndots: 2,
    });
  });

  it.each([
    ['www.example.com.cluster.local', true],
    ['www.example.com.default.svc.cluster.local', true],
    ['db.default.svc.cluster.local', true],
    ['db.other.svc.cluster.local', true],
    ['cluster.local', false],
    ['www.example.com', false],
  ])('may have made %s of another name: %s', (name, isMade) => {
    expect(isFromSearch(name, parseSearchRules(CLUSTER), zones('cluster.local'))).toBe(isMade);
  });

  it('outside all zones, or above them, make no name of a zone doubtful', () => {
    const rules = parseSearchRules('search example');
    expect(isFromSearch('db.inner.example', rules, zones('inner.example'))).toBe(false);
    expect(searchWarning(rules, zones('inner.example'))).toBeUndefined();
    expect(searchWarning(parseSearchRules(CLUSTER), zones('inner.example'))).toBeUndefined();
  });

  it('in a zone are told, with what to do, and more loudly where every name of outside is concerned', () => {
    const warning = searchWarning(parseSearchRules(CLUSTER), zones('*.cluster.local', 'inner.example'));
    expect(warning).toMatchObject({ isHarmful: true });
    expect(warning?.what).toMatch(/searches .*cluster\.local, in --domain \*\.cluster\.local, with ndots:5/);
    expect(warning?.what).not.toContain('inner.example');
    expect(warning?.remedy).toContain('leave the zone out of its search line');
    const mild = searchWarning(parseSearchRules('search inner.example'), zones('inner.example'));
    expect(mild).toMatchObject({ isHarmful: false });
    expect(mild?.what).toContain('NAME.inner.example');
  });
});

import { describe, expect, it } from 'vitest';
import { FollowedNames } from '../../../src/config/followed-names.ts';
import { parseSubnet } from '../../../src/config/parse/networks/subnet.ts';
import { formatCaptureRule } from '../../../src/net/address/capture-rule.ts';

const SUBNETS = ['10.0.0.0/8', 'db.example:5432', '!never.example'].map((text) => {
  const subnet = parseSubnet(text.replace('!', ''));
  if (subnet.kind === 'invalid') throw new Error(subnet.what);
  return { action: text.startsWith('!') ? 'exclude' : 'include', subnet, where: text } as const;
});

function follow(addressesOf: Record<string, readonly string[]>, ipv6 = true) {
  const names = new FollowedNames({ subnets: SUBNETS, ipv6 }, new Map(Object.entries(addressesOf)), 0);
  const rules = (nowMs: number) =>
    names.rules(nowMs).map((rule) => `${rule.action === 'exclude' ? '!' : ''}${formatCaptureRule(rule)}`);
  const found = (nowMs: number, addresses: readonly string[], ttlSeconds?: number) =>
    names.record('db.example', { kind: 'addresses', addresses, ttlSeconds }, nowMs);
  return { names, rules, found };
}

const MINUTE_MS = 60_000;

describe('FollowedNames', () => {
  it('has the addresses of the start, on the ports of the subnet', () => {
    const { names, rules } = follow({
      'db.example': ['192.0.2.1', '2001:db8::1'],
      'never.example': ['10.0.0.9'],
    });
    expect(names.names).toEqual(['db.example', 'never.example']);
    expect(rules(0)).toEqual(['10.0.0.0/8', '192.0.2.1:5432', '[2001:db8::1]:5432', '!10.0.0.9']);
    expect(follow({ 'db.example': ['192.0.2.1', '2001:db8::1'] }, false).rules(0)).toEqual([
      '10.0.0.0/8',
      '192.0.2.1:5432',
    ]);
  });

  it('adds new addresses, and drops old ones when nobody may remember them any more', () => {
    const { rules, found } = follow({ 'db.example': ['192.0.2.1'] });
    found(MINUTE_MS, ['192.0.2.2']);
    expect(rules(MINUTE_MS)).toEqual(['10.0.0.0/8', '192.0.2.1:5432', '192.0.2.2:5432']);
    found(6 * MINUTE_MS, ['192.0.2.2']);
    expect(rules(6 * MINUTE_MS)).toEqual(['10.0.0.0/8', '192.0.2.2:5432']);
  });

  it('keeps the last addresses of a name that does not resolve, for ever', () => {
    const { names, rules } = follow({ 'db.example': ['192.0.2.1'] });
    names.record('db.example', { kind: 'unresolved' }, MINUTE_MS);
    expect(names.isResolved('db.example')).toBe(false);
    expect(rules(1_000 * MINUTE_MS)).toEqual(['10.0.0.0/8', '192.0.2.1:5432']);
  });

  it('takes a name that did not resolve at the start when it does', () => {
    const { names, rules, found } = follow({});
    expect(names.isResolved('db.example')).toBe(false);
    expect(rules(0)).toEqual(['10.0.0.0/8']);
    found(1, ['192.0.2.1', 'fe80::1%eth0']);
    expect(names.isResolved('db.example')).toBe(true);
    expect(rules(1)).toEqual(['10.0.0.0/8', '192.0.2.1:5432']);
  });

  it('asks again when the TTL is over, within bounds, and after a failure less and less often', () => {
    const { names, found } = follow({});
    expect(found(0, ['192.0.2.1'], 30)).toBe(30_000);
    expect(found(0, ['192.0.2.1'], 0)).toBe(5_000);
    expect(found(0, ['192.0.2.1'], 1e9)).toBe(3_600_000);
    expect(found(0, ['192.0.2.1'])).toBe(60_000);
    const retries = Array.from({ length: 6 }, () => names.record('db.example', { kind: 'unresolved' }, 0));
    expect(retries).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    found(0, ['192.0.2.1']);
    expect(names.record('db.example', { kind: 'unresolved' }, 0)).toBe(5_000);
  });

  it('is bounded', () => {
    const { rules, found } = follow({});
    for (let index = 0; index < 1_000; index += 1) found(0, [`192.0.${index >> 8}.${index & 255}`]);
    expect(rules(0)).toHaveLength(1 + 64);
  });
});

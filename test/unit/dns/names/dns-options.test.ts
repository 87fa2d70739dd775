import { expect, test } from 'vitest';
import { parseDns } from '../../../../src/config/dns.ts';
import type { RawOptions } from '../../../../src/config/options/table.ts';
import { describeDns } from '../../../../src/dns/names/dns-options.ts';

test.each<[string, Partial<RawOptions>]>([
  ['DNS', { everything: true, hosts: ['a=10.0.0.1'] }],
  ['names in a.example', { zones: ['a.example'] }],
  ['names in a, b, *.c and 2 more', { zones: ['a', 'b', '*.c', 'd', 'e'] }],
  ['names of --host', { hosts: ['a=10.0.0.1'] }],
  ["names of the bastion's /etc/hosts", { bastionHosts: true }],
  [
    "names in a and of --host and of the bastion's /etc/hosts",
    { zones: ['a'], hosts: ['b=10.0.0.1'], bastionHosts: true },
  ],
])('what is captured is %s', (description, raw) => {
  const parsed = parseDns(raw);
  if (parsed.kind !== 'dns' || parsed.dns === undefined) throw new Error(parsed.kind);
  expect(describeDns(parsed.dns)).toBe(description);
});

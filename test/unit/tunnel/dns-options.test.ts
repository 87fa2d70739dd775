import { expect, test } from 'vitest';
import { parseDns, type RawDns } from '../../../src/config/dns.ts';
import { describeDns } from '../../../src/tunnel/dns-options.ts';

test.each<[string, Partial<RawDns>]>([
  ['DNS', { dns: true, hosts: ['a=10.0.0.1'] }],
  ['names in a.example', { domains: ['a.example'] }],
  ['names in a, b, *.c and 2 more', { domains: ['a', 'b', '*.c', 'd', 'e'] }],
  ['names of --host', { hosts: ['a=10.0.0.1'] }],
  ["names of the bastion's /etc/hosts", { autoHosts: true }],
  [
    "names in a and of --host and of the bastion's /etc/hosts",
    { domains: ['a'], hosts: ['b=10.0.0.1'], autoHosts: true },
  ],
])('what is captured is %s', (description, raw) => {
  const parsed = parseDns({ dns: false, domains: [], hosts: [], ...raw });
  if (parsed.kind !== 'dns' || parsed.dns === undefined) throw new Error(parsed.kind);
  expect(describeDns(parsed.dns)).toBe(description);
});

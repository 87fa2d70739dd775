import { describe, expect, it } from 'vitest';
import { parseHostsFile } from '../../../../src/dns/zone/hosts-file.ts';

describe('parseHostsFile', () => {
  it('takes every name of a line, in lower case, by its canonical address', () => {
    const text = '10.0.0.8\tDb.Internal.Example db  # the old one\nFD00::0:8 db\n';
    expect(parseHostsFile(text)).toEqual([
      { name: 'db.internal.example', address: '10.0.0.8' },
      { name: 'db', address: '10.0.0.8' },
      { name: 'db', address: 'fd00::8' },
    ]);
  });

  it('leaves out what means something only on that machine, and what is no entry', () => {
    const text = `127.0.0.1 localhost
127.0.1.1 bastion
::1 ip6-localhost
fe00::0 ip6-localnet
ff02::1 ip6-allnodes
169.254.169.254 metadata
0.0.0.0 blocked.example
fe80::1%eth0 router
# 10.0.0.9 commented
10.0.0.9
10.0.0 short
10.0.0.10 *.wild.example .dot bad_name!
10.0.0.11 localhost
`;
    expect(parseHostsFile(text)).toEqual([]);
  });

  it('has a limit', () => {
    expect(parseHostsFile('10.0.0.1 a b c d\n'.repeat(2_000))).toHaveLength(4_096);
  });
});

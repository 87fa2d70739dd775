import { describe, expect, test } from 'vitest';
import { nameserversOf, parseScutilDns, searchDomainsOf } from '../../../../src/dns/system/scutil-dns.ts';

/*
 * What scutil --dns printed on macOS 10.10 to 15, in the forms that public issues have recorded it (native-notes/macos-dns.md), with
 * addresses and names of documentation.
 */

const MDNS = ['local', '254.169.in-addr.arpa', '8.e.f.ip6.arpa']
  .map(
    (domain, index) => `resolver #${index + 2}
  domain   : ${domain}
  options  : mdns
  timeout  : 5
  flags    : Request A records, Request AAAA records
  reach    : 0x00000000 (Not Reachable)
  order    : ${300_000 + index * 200}
`,
  )
  .join('\n');

const AT_HOME = `DNS configuration

resolver #1
  search domain[0] : home.example
  nameserver[0] : fe80::8e3b:adff:fead:7bf6%en0
  nameserver[1] : 192.0.2.1
  if_index : 7 (en0)
  flags    : Request A records, Request AAAA records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)

${MDNS}
DNS configuration (for scoped queries)

resolver #1
  search domain[0] : home.example
  nameserver[0] : fe80::8e3b:adff:fead:7bf6%en0
  nameserver[1] : 192.0.2.1
  if_index : 7 (en0)
  flags    : Scoped, Request A records, Request AAAA records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)
`;

/** A VPN of zones, with dots at their ends, beside another resolver of an interface, and one file of /etc/resolver with a port. */
const SPLIT = `DNS configuration

resolver #1
  search domain[0] : internal.example.com
  search domain[1] : ts.example.net
  nameserver[0] : 192.0.2.53
  nameserver[1] : 2001:db8::53
  if_index : 13 (en7)
  flags    : Request A records, Request AAAA records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)

resolver #2
  domain   : 64.100.in-addr.arpa.
  nameserver[0] : 100.100.100.100
  if_index : 28 (utun3)
  flags    : Supplemental, Request A records, Request AAAA records
  reach    : 0x00000003 (Reachable,Transient Connection)
  order    : 103002

resolver #3
  domain   : Internal.Example.
  nameserver[0] : 127.0.0.1
  port     : 53535
  flags    : Request A records, Request AAAA records
  reach    : 0x00030002 (Reachable,Local Address,Directly Reachable Address)

resolver #4
  domain   : 166534133.members.btmm.icloud.com
  options  : pdns
  timeout  : 5
  nameserver[0] : 203.0.113.9
  flags    : Request A records
  order    : 150000

DNS configuration (for scoped queries)

resolver #1
  nameserver[0] : 198.51.100.53
  if_index : 5 (en1)
  flags    : Scoped, Request A records
  reach    : Reachable,Directly Reachable Address

DNS configuration (for service-specific queries)

resolver #1
  domain   : cellular.example
  nameserver[0] : 203.0.113.200
  service  : 0
  flags    : Service-specific
  reach    : 0x00000002 (Reachable)
`;

/** pppd's: for every name, and called Supplemental. Old versions say how it is reached without a field. */
const PPP = `DNS configuration

resolver #1
  search domain[0] : home-domain
  nameserver[0] : 198.51.100.1
  nameserver[1] : 198.51.100.2
  if_index : 16 (ppp0)
  flags    : Supplemental, Request A records
  reach    : 0x00000002 (Reachable)
  order    : 100000

resolver #2
  nameserver[0] : 192.0.2.1
  if_index : 4 (en0)
  flags    : Request A records
Directly Reachable Address,Reachable
  order    : 200000
`;

const OFFLINE = `DNS configuration

resolver #1
  flags    : Request A records
Not Reachable

${MDNS}`;

const addresses = (text: string): readonly string[] =>
  nameserversOf(parseScutilDns(text)).map(({ address, scope }) =>
    scope === undefined ? address : `${address}%${scope}`,
  );

describe('scutil --dns', () => {
  test.each([
    [
      'at home: link-local ones with their interface, each once',
      AT_HOME,
      ['fe80::8e3b:adff:fead:7bf6%en0', '192.0.2.1'],
    ],
    [
      'with zones of a VPN: for all names, for zones, for an interface; not Back to My Mac, another port or a service',
      SPLIT,
      ['192.0.2.53', '2001:db8::53', '100.100.100.100', '198.51.100.53'],
    ],
    ['with a supplemental one for every name', PPP, ['198.51.100.1', '198.51.100.2', '192.0.2.1']],
    ['without a network', OFFLINE, []],
    ['nothing', '', []],
    ['an error', 'No DNS configuration available\n', []],
  ])('whom the machine asks %s', (_what, text, expected) => {
    expect(addresses(text)).toEqual(expected);
  });

  test('zones, ports and search domains', () => {
    const resolvers = parseScutilDns(SPLIT);
    expect(resolvers.map(({ domain, port }) => [domain, port])).toEqual([
      [undefined, 53],
      ['64.100.in-addr.arpa', 53],
      ['internal.example', 53_535],
      ['166534133.members.btmm.icloud.com', 53],
      [undefined, 53],
    ]);
    expect(searchDomainsOf(resolvers)).toEqual(['internal.example.com', 'ts.example.net']);
    expect(searchDomainsOf(parseScutilDns(AT_HOME))).toEqual(['home.example']);
  });

  test('how much there may be is bounded, and what is no address is none', () => {
    const many = 'resolver #1\n  nameserver[0] : nonsense\n  nameserver[1] : 192.0.2.7\n'.repeat(10_000);
    const resolvers = parseScutilDns(`DNS configuration\n${many}`);
    expect(resolvers.length).toBe(4_096);
    expect(nameserversOf(resolvers).map(({ address }) => address)).toEqual(['192.0.2.7']);
  });
});

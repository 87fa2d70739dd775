import { expect, test } from 'vitest';
import { type ClaimedNetwork, overlapsOf } from '../../../src/config/overlaps.ts';
import { parseSubnet } from '../../../src/config/parse/networks/subnet.ts';
import type { CaptureRule } from '../../../src/net/address/capture-rule.ts';
import { parseCidr } from '../../../src/net/address/parse-cidr.ts';
import { parseRoutes } from '../../../src/net/machine/local-networks.ts';

function rule(action: CaptureRule['action'], text: string): CaptureRule {
  const subnet = parseSubnet(text);
  if (subnet.kind !== 'network') throw new Error(text);
  return { action, cidr: subnet.cidr, ports: subnet.ports };
}
const local: ClaimedNetwork = { cidr: parseCidr('192.168.1.0/24')!, what: 'is local' };

test.each([
  [['0/0'], [], ['192.168.1.0/24 is local']],
  [['192.168.1.128/25'], [], ['192.168.1.128/25 is local']],
  [['192.168.0.0/16', '192.168.1.0/24'], [], ['192.168.1.0/24 is local']],
  [['10.0.0.0/8', '::/0'], [], []],
  [['0/0'], ['192.168.1.0/24'], []],
  [['0/0'], ['192.168.0.0/16'], []],
  [['192.168.1.0/24'], ['192.168.0.0/16'], ['192.168.1.0/24 is local']],
])('what %s without %s shares with a local network', (includes, excludes, expected) => {
  const rules = [
    ...includes.map((text) => rule('include', text)),
    ...excludes.map((text) => rule('exclude', text)),
  ];
  expect(overlapsOf(rules, [local])).toEqual(expected);
});

test('names no more than people read', () => {
  const claimed = Array.from({ length: 50 }, (_, index) => ({
    cidr: parseCidr(`10.${index}.0.0/16`)!,
    what: 'is theirs',
  }));
  expect(overlapsOf([rule('include', '10.0.0.0/8')], claimed)).toHaveLength(10);
});

test('routes are those that ip prints, without default routes and addresses of this machine', () => {
  // iproute2 6.1 with a WireGuard interface: ip -4 -json route show table all, shortened.
  const json = JSON.stringify([
    { dst: 'default', dev: 'wg0', table: '51820', flags: [] },
    { dst: '10.8.0.0/24', dev: 'wg0', protocol: 'kernel', scope: 'link', prefsrc: '10.8.0.2', flags: [] },
    { dst: '100.64.0.7', dev: 'tailscale0', table: '52', flags: [] },
    { type: 'local', dst: '10.8.0.2', dev: 'wg0', table: 'local', flags: [] },
    { type: 'multicast', dst: 'ff00::/8', dev: 'wg0', table: 'local', flags: [] },
    { type: 'unreachable', dst: '10.9.0.0/16', flags: [] },
    { dst: 'fe80::/64', dev: 'wg0', flags: [] },
  ]);
  expect(parseRoutes(json).map(({ interfaceName }) => interfaceName)).toEqual(['wg0', 'tailscale0']);
  expect(parseRoutes('')).toEqual([]);
  expect(parseRoutes('{}')).toEqual([]);
});

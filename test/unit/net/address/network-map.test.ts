import { expect, test } from 'vitest';
import { parseNetworkMap } from '../../../../src/config/parse/networks/network-map.ts';
import {
  formatNetworkMap,
  type NetworkMap,
  toLocal,
  toRemote,
} from '../../../../src/net/address/network-map.ts';

const maps = ['10.1.0.0/16=10.201.0.0/16', 'fd00:1::/64=fd00:201::/64', '192.0.2.7=198.51.100.7'].map(
  (text) => parseNetworkMap(text) as NetworkMap,
);

test.each([
  ['10.201.0.0', '10.1.0.0'],
  ['10.201.255.255', '10.1.255.255'],
  ['10.201.3.4', '10.1.3.4'],
  ['fd00:201::abcd', 'fd00:1::abcd'],
  ['198.51.100.7', '192.0.2.7'],
])('%s stands for %s', (local, remote) => {
  expect(toRemote(maps, local)).toBe(remote);
  expect(toLocal(maps, remote)).toBe(local);
  // So that what was mapped once may come by again.
  expect([toRemote(maps, remote), toLocal(maps, local)]).toEqual([undefined, undefined]);
});

test.each(['10.202.0.0', '10.200.255.255', 'fd00:202::1', 'db.example', 'fe80::1%eth0', '/run/x'])(
  '%s stands for nothing',
  (address) => {
    expect(toRemote(maps, address)).toBeUndefined();
  },
);

test('a map is shown as it is written', () => {
  expect(maps.map(formatNetworkMap)).toEqual([
    '10.1.0.0/16=10.201.0.0/16',
    'fd00:1::/64=fd00:201::/64',
    '192.0.2.7=198.51.100.7',
  ]);
});

import type { NetworkInterfaceInfo } from 'node:os';
import { expect, test } from 'vitest';
import type { TrafficSource } from '../../../../src/net/address/traffic-source.ts';
import { type InterfaceView, interfacesOf } from '../../../../src/net/machine/source-interfaces.ts';

function info(cidr: string): NetworkInterfaceInfo {
  const [address = ''] = cidr.split('/');
  const common = { address, netmask: '', mac: '', internal: address === '127.0.0.1', cidr };
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
}

const VIEW: InterfaceView = {
  interfaces: {
    lo: [info('127.0.0.1/8')],
    eth0: [info('198.51.100.2/24')],
    docker0: [info('172.17.0.1/16'), info('fd00:17::1/64'), info('fe80::1/64')],
    'br-1': [info('172.18.0.1/16')],
    'br-gone': [info('172.19.0.1/16')],
    eth1: [info('192.168.50.1/24')],
  },
  indexOf: (name) => ({ eth0: 2, docker0: 3, 'br-1': 4, eth1: 5 })[name],
  ownAddressTowards: async ({ address }) => (address === '10.50.0.0' ? '192.168.50.1' : '198.51.100.2'),
};

const named = (name: string): TrafficSource => ({ kind: 'interface', name });

test('an interface is listened at on each of its addresses, and what is on its link is known', async () => {
  const docker = named('docker0');
  const at = { interfaceName: 'docker0', interfaceIndex: 3, sources: [docker] };
  expect(await interfacesOf([docker], VIEW)).toEqual({
    addresses: [
      { ...at, family: 4, address: '172.17.0.1' },
      { ...at, family: 6, address: 'fd00:17::1' },
      { ...at, family: 6, address: 'fe80::1%docker0' },
    ],
    leftOut: 0,
    links: [
      { address: '172.17.0.0', prefixLength: 16 },
      { address: 'fd00:17::', prefixLength: 64 },
    ],
  });
});

test('a pattern finds those that are there, not one that has just gone', async () => {
  const { addresses } = await interfacesOf([named('br-*')], VIEW);
  expect(addresses.map(({ address }) => address)).toEqual(['172.18.0.1']);
  expect(await interfacesOf([named('virbr0')], VIEW)).toEqual({ addresses: [], leftOut: 0, links: [] });
});

test('a network comes in where an address is in it, or where its route leads, and nowhere else', async () => {
  const network = (address: string, prefixLength: number): TrafficSource => ({
    kind: 'network',
    address,
    prefixLength,
  });
  const namesFor = async (source: TrafficSource) =>
    (await interfacesOf([source], { ...VIEW, ownAddressTowards: VIEW.ownAddressTowards })).addresses.map(
      ({ interfaceName }) => interfaceName,
    );
  expect(await namesFor(network('10.50.0.0', 16))).toEqual(['eth1']);
  expect(await namesFor(network('192.168.50.64', 26))).toEqual(['eth0', 'eth1']);
  const without: InterfaceView = { ...VIEW, ownAddressTowards: async () => undefined };
  const { addresses } = await interfacesOf([network('192.168.50.64', 26)], without);
  expect(addresses.map(({ address }) => address)).toEqual(['192.168.50.1']);
});

test('more addresses than can be listened at are counted', async () => {
  const many = Array.from({ length: 70 }, (_, index) => info(`10.0.${index}.1/24`));
  const view = { ...VIEW, interfaces: { docker0: many } };
  const { addresses, leftOut } = await interfacesOf([named('docker0')], view);
  expect([addresses.length, leftOut]).toEqual([64, 6]);
});

import { expect, test } from 'vitest';
import { parseTrafficSource } from '../../../../src/config/parse/networks/also-from.ts';
import { comesFrom, comesInBy, formatTrafficSource } from '../../../../src/net/address/traffic-source.ts';

test.each([
  ['docker0', { kind: 'interface', name: 'docker0' }],
  ['br-*', { kind: 'interface', name: 'br-*' }],
  ['eth0.100', { kind: 'interface', name: 'eth0.100' }],
  ['br-0123456789ab', { kind: 'interface', name: 'br-0123456789ab' }],
  ['192.168.50.7/24', { kind: 'network', address: '192.168.50.0', prefixLength: 24 }],
  ['192.168.50.7', { kind: 'network', address: '192.168.50.7', prefixLength: 32 }],
  ['::ffff:10.0.0.0/104', { kind: 'network', address: '10.0.0.0', prefixLength: 8 }],
  ['fd00:50::1/64', { kind: 'network', address: 'fd00:50::', prefixLength: 64 }],
  ['0/0', { kind: 'network', address: '0.0.0.0', prefixLength: 0 }],
])('%s', (text, source) => {
  expect(parseTrafficSource(text)).toEqual(source);
});

test.each([
  '',
  'lo',
  '*',
  'br-*x',
  '-j',
  'a b',
  'eth0;x',
  'br-0123456789abc',
  'br-0123456789ab*',
  '10.0',
  '10.0.0.0/33',
  'fe80::1%eth0',
  'docker0/24',
])('%j is none', (text) => {
  expect(parseTrafficSource(text)).toMatchObject({ kind: 'invalid' });
});

test('an interface is found by its name or by how it begins, an address in its network alone', () => {
  const bridges = { kind: 'interface', name: 'br-*' } as const;
  expect(['br-1', 'br-', 'br', 'docker0'].map((name) => comesInBy(bridges, name))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(comesInBy({ kind: 'interface', name: 'br-1' }, 'br-12')).toBe(false);
  const network = { kind: 'network', address: '192.168.50.0', prefixLength: 24 } as const;
  expect(['192.168.50.9', '192.168.51.9', 'fd00::1'].map((one) => comesFrom(network, one))).toEqual([
    true,
    false,
    false,
  ]);
  expect([bridges, network].map(formatTrafficSource)).toEqual(['br-*', '192.168.50.0/24']);
  expect([comesFrom(bridges, '10.0.0.1'), comesInBy(network, 'br-1')]).toEqual([false, false]);
});

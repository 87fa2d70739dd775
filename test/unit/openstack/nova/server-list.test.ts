import { describe, expect, test } from 'vitest';
import {
  addressOf,
  networksWith,
  readServerPage,
  type Server,
} from '../../../../src/openstack/nova/server-list.ts';

const ID = '11111111-2222-3333-4444-555555555555';

/** As nova-api 26.2.2 answers. */
function pageOf(addresses: object, more: object = {}): unknown {
  return { servers: [{ id: ID, name: 'web-1', status: 'ACTIVE', addresses }], ...more };
}

function fixed(addr: string, type = 'fixed'): object {
  return {
    version: addr.includes(':') ? 6 : 4,
    addr,
    'OS-EXT-IPS:type': type,
    'OS-EXT-IPS-MAC:mac_addr': 'fa:16:3e:00:00:01',
  };
}

function serverWith(addresses: object): Server {
  return readServerPage(pageOf(addresses))!.servers[0]!;
}

describe('a page of servers', () => {
  test.each([
    ['no object', []],
    ['no servers', {}],
    ['an id that is none', { servers: [{ id: 'x*', name: 'a', addresses: {} }] }],
    ['an address that is none', pageOf({ a: [fixed('10.0.0.1\nHost *')] })],
    ['an address with a zone', pageOf({ a: [fixed('fe80::1%eth0')] })],
    ['links that are none', pageOf({}, { servers_links: 'next' })],
  ])('with %s is none', (_what, data) => {
    expect(readServerPage(data)).toBeUndefined();
  });

  test('says whether there is more', () => {
    const link = { rel: 'next', href: 'http://internal/v2.1/servers/detail?marker=x' };
    expect(readServerPage(pageOf({}, { servers_links: [link] }))?.hasMore).toBe(true);
    expect(readServerPage(pageOf({}))?.hasMore).toBe(false);
    // A server that is still being built has no name and no address.
    expect(readServerPage({ servers: [{ id: ID, name: null }] })?.servers).toMatchObject([{ name: '' }]);
  });
});

describe('the address of a server', () => {
  const none = { network: undefined, preferred: new Set<string>() };
  const several = serverWith({
    storage: [fixed('10.9.0.5')],
    front: [fixed('2001:db8::5'), fixed('198.51.100.5', 'floating'), fixed('10.2.0.5')],
  });

  test.each([
    ['the first network by name, fixed before floating, IPv4 before IPv6', none, '10.2.0.5'],
    ['the network that is wanted', { ...none, network: 'storage' }, '10.9.0.5'],
    ['the network of the gate', { ...none, preferred: new Set(['storage']) }, '10.9.0.5'],
    ['a network that it is not on', { ...none, network: 'back' }, undefined],
  ])('is of %s', (_what, choice, address) => {
    expect(addressOf(several, choice)).toBe(address);
  });

  test('is IPv6 or floating where it has no other', () => {
    expect(addressOf(serverWith({ a: [fixed('2001:db8::5')] }), none)).toBe('2001:db8::5');
    expect(addressOf(serverWith({ a: [], b: [fixed('198.51.100.5', 'floating')] }), none)).toBe(
      '198.51.100.5',
    );
    expect(addressOf(serverWith({}), none)).toBeUndefined();
  });

  test("the gate's networks are those of the server that has its address", () => {
    expect([...networksWith('198.51.100.5', [serverWith({ other: [] }), several])]).toEqual([
      'storage',
      'front',
    ]);
    expect([...networksWith('192.0.2.1', [several])]).toEqual([]);
  });
});

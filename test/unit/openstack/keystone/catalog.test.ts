import { describe, expect, it } from 'vitest';
import { overriddenPlaces, readCatalog } from '../../../../src/openstack/keystone/catalog.ts';

const endpoints = [
  { interface: 'public', region_id: 'one', region: 'one', url: 'https://api.example:8774/v2.1' },
  { interface: 'internal', region_id: 'one', region: 'one', url: 'http://10.255.0.5:8774/v2.1' },
  { interface: 'public', region_id: 'two', region: 'two', url: 'https://far.example:8774/v2.1' },
];
const image = [{ interface: 'public', region_id: 'one', region: 'one', url: 'https://[2001:db8::9]/image' }];
const identity = [
  { interface: 'public', region_id: 'one', region: 'one', url: 'https://API.example:8774/identity' },
];

const OF_KEYSTONE = [
  { type: 'compute', name: 'nova', id: '1', endpoints },
  { type: 'image', name: 'glance', id: '2', endpoints: image },
  { type: 'identity', name: 'keystone', id: '3', endpoints: identity },
  { type: 'broken', endpoints: [{ interface: 'public', region_id: 'one', url: 'no url' }] },
];

const placesOf = (data: unknown, filter = { interfaces: ['public'], region: 'one' } as const): unknown => {
  const result = readCatalog(data, filter);
  return result.kind === 'invalid'
    ? result.what
    : result.places.map(({ host, port, services }) => [host, port, services.map(({ type }) => type).join()]);
};

const EXPECTED = [
  ['api.example', 8774, 'compute,identity'],
  ['2001:db8::9', 443, 'image'],
];

describe('a catalog', () => {
  it.each([
    ['a token', { token: { catalog: OF_KEYSTONE, methods: [] } }],
    ['/v3/auth/catalog', { catalog: OF_KEYSTONE, links: {} }],
    [
      'openstack catalog list -f json',
      OF_KEYSTONE.map(({ type, endpoints: list }) => ({ Name: 'x', Type: type, Endpoints: list })),
    ],
  ])('is read as in %s: every place once, of the region and the interface', (_what, data) => {
    expect(placesOf(data)).toEqual(EXPECTED);
  });

  it('has nothing of a service that is overridden, which is where the cloud says, also without a catalog', () => {
    const endpoint = new URL('https://nova.example/v2.1/%(project_id)s');
    const services = new Map([['compute', { endpoint, interfaces: undefined, region: undefined }]]);
    const wanted = ['nova.example', 443];
    const places = readCatalog(OF_KEYSTONE, { interfaces: ['public'], region: 'one', services });
    if (places.kind === 'invalid') throw new Error(places.what);
    expect(places.places.map(({ host, port }) => [host, port])).toEqual([
      ['2001:db8::9', 443],
      ['api.example', 8774],
      wanted,
    ]);
    expect(overriddenPlaces(services).map(({ host, port }) => [host, port])).toEqual([wanted]);
  });

  it('has other places for another interface and for all regions', () => {
    const data = { token: { catalog: OF_KEYSTONE } };
    expect(readCatalog(data, { interfaces: ['internal'], region: 'one' })).toMatchObject({
      places: [{ host: '10.255.0.5', port: 8774 }],
    });
    expect(readCatalog(data, { interfaces: ['public'], region: undefined })).toMatchObject({
      places: { length: 3 },
    });
  });

  it.each([
    [{ region: 'three' }, 'has no public endpoint in the region three, only in one, two'],
    [{ interfaces: ['admin'] }, 'has no admin endpoint'],
  ])('may have nothing of what is wanted', (filter, what) => {
    const result = readCatalog(OF_KEYSTONE, { interfaces: ['public'], region: 'one', ...filter } as never);
    expect(result).toEqual({ kind: 'invalid', what });
  });

  it.each([
    [null],
    [{}],
    ['text'],
    [{ error: { code: 401 } }],
    [[{ Name: 'x' }]],
    [[{ type: 'x', endpoints: 'y' }]],
  ])('is no catalog: %j', (data) => {
    expect(placesOf(data)).toMatch(/^(is no catalog|has no public endpoint)/);
  });
});

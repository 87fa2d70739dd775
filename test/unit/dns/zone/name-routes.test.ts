import { describe, expect, it } from 'vitest';
import { routeName } from '../../../../src/dns/zone/name-routes.ts';

const ZONE = { name: 'internal.example', includes: 'itself-and-below' } as const;
const RULES = {
  wayToBastion: ['bastion.internal.example', 'gate'],
  hosts: [
    { name: 'db.internal.example', address: '10.0.0.8' },
    { name: 'db.internal.example', address: 'fd00::8' },
  ],
  zones: [ZONE],
  everything: false,
} as const;

describe('routeName', () => {
  it.each([
    ['DB.internal.example.', { kind: 'static', addresses: ['10.0.0.8', 'fd00::8'] }],
    ['web.Internal.example', { kind: 'bastion-side', zone: ZONE }],
    ['Bastion.internal.example', { kind: 'asked-resolver', because: 'way-to-bastion' }],
    // As libc asks with `search internal.example`.
    ['gate.internal.example', { kind: 'asked-resolver', because: 'way-to-bastion' }],
    ['gateway.internal.example', { kind: 'bastion-side', zone: ZONE }],
    ['www.example.org', { kind: 'asked-resolver', because: 'in-no-zone' }],
    ['', { kind: 'asked-resolver', because: 'in-no-zone' }],
  ])('%s', (name, route) => {
    expect(routeName(name, RULES)).toEqual(route);
  });

  it('sends all names to the side of the bastion but those that lead there', () => {
    const rules = { ...RULES, everything: true };
    expect(routeName('www.example.org', rules)).toEqual({ kind: 'bastion-side', zone: undefined });
    expect(routeName('gate', rules)).toEqual({ kind: 'asked-resolver', because: 'way-to-bastion' });
    expect(routeName('web.internal.example', rules)).toEqual({ kind: 'bastion-side', zone: ZONE });
  });
});

import { expect, test } from 'vitest';
import {
  endToEndFields,
  hasOnlyFieldNames,
  parseAbsoluteTarget,
  parseBasicCredentials,
} from '../../../../src/ingress/proxy/http-request.ts';
import { parseHostPort } from '../../../../src/net/address/host-port.ts';

test.each([
  ['db.internal:5432', { host: 'db.internal', port: 5432 }],
  ['10.0.0.8:443', { host: '10.0.0.8', port: 443 }],
  ['[2001:db8::8]:443', { host: '2001:db8::8', port: 443 }],
  ['db.internal', undefined],
  ['db.internal:0', undefined],
  ['db.internal:65536', undefined],
  ['2001:db8::8:443', undefined],
  ['[db.internal]:443', undefined],
  ['ann@db.internal:443', undefined],
  ['db internal:443', undefined],
  ['', undefined],
])('CONNECT %s', (text, expected) => {
  expect(parseHostPort(text)).toEqual(expected);
});

test.each([
  ['http://db.internal/a?b=c', { host: 'db.internal', port: 80, authority: 'db.internal', path: '/a?b=c' }],
  ['http://db.internal', { host: 'db.internal', port: 80, authority: 'db.internal', path: '/' }],
  ['http://db.internal?b', { host: 'db.internal', port: 80, authority: 'db.internal', path: '/?b' }],
  ['HTTP://[fd77::2]:7080/', { host: 'fd77::2', port: 7080, authority: '[fd77::2]:7080', path: '/' }],
  // As it was asked for: a signature may be over it.
  ['http://h/a/../b%2f//c', { host: 'h', port: 80, authority: 'h', path: '/a/../b%2f//c' }],
  ['http://ann:secret@h:8080/', { host: 'h', port: 8080, authority: 'h:8080', path: '/' }],
  ['https://db.internal/', undefined],
  ['/path', undefined],
  ['*', undefined],
  ['http:///path', undefined],
  ['http://h:99999/', undefined],
])('%s', (text, expected) => {
  expect(parseAbsoluteTarget(text)).toEqual(expected);
});

test('basic credentials', () => {
  const field = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  expect(parseBasicCredentials(field('ann:pass:word'))).toEqual({ user: 'ann', password: 'pass:word' });
  expect(parseBasicCredentials(field('ann'))).toBeUndefined();
  expect(parseBasicCredentials('Bearer abc')).toBeUndefined();
  expect(parseBasicCredentials(undefined)).toBeUndefined();
});

test('a field with a space before its colon is none, as a parser hands it over', () => {
  expect(hasOnlyFieldNames(['Host', 'h', 'A', ' b '])).toBe(true);
  expect(hasOnlyFieldNames([])).toBe(true);
  for (const name of ['A ', ' A', '', 'A:', 'A\x00', 'ä'])
    expect(hasOnlyFieldNames(['Host', 'h', name, 'b']), name).toBe(false);
});

test('fields of the way to the proxy, and those that Connection names, do not go on', () => {
  const fields = [
    'Host',
    'h',
    'Connection',
    'close, X-Hop',
    'x-hop',
    '1',
    'Proxy-Authorization',
    'Basic x',
    'A',
    '1',
    'a',
    '2',
  ];
  expect(endToEndFields(fields)).toEqual(['Host', 'h', 'A', '1', 'a', '2']);
});

test('Connection cannot visit the framing of a body away', () => {
  expect(endToEndFields(['Connection', 'Content-Length', 'Content-Length', '3'])).toEqual([
    'Content-Length',
    '3',
  ]);
});

import { expect, test } from 'vitest';
import { parseProxyListen, parseProxyLogin } from '../../../../src/config/parse/proxy-listen.ts';

test.each([
  ['1080', '127.0.0.1', 1080],
  ['0', '127.0.0.1', 0],
  ['0.0.0.0:1080', '0.0.0.0', 1080],
  ['[::1]:1080', '::1', 1080],
])('%s', (text, address, port) => {
  expect(parseProxyListen(text)).toEqual({ address, port });
});

test.each([
  '',
  'localhost:1080',
  '::1:1080',
  '[127.0.0.1]:1',
  '[fe80::1%eth0]:1',
  '127.0.0.1',
  '1-2',
  '65536',
])('%j is none', (text) => {
  expect(parseProxyListen(text)).toMatchObject({ kind: 'invalid' });
});

test('a login is the first line, and may have colons in its password', () => {
  expect(parseProxyLogin('ann:pass:word\r\nmore')).toEqual({ user: 'ann', password: 'pass:word' });
  for (const wrong of ['', 'ann', ':password', 'ann:\nx', `ann:${'x'.repeat(256)}`]) {
    expect(parseProxyLogin(wrong), wrong).toBeUndefined();
  }
});

import { describe, expect, test } from 'vitest';
import { parseListen } from '../../../../src/config/parse/listen.ts';

describe('parseListen', () => {
  test.each([
    ['12300', undefined, undefined, 12300],
    ['0', undefined, undefined, undefined],
    ['127.0.0.1:12300', '127.0.0.1', undefined, 12300],
    ['127.0.0.1', '127.0.0.1', undefined, undefined],
    ['127.0.0.1:0', '127.0.0.1', undefined, undefined],
    ['[::1]:12300', undefined, '::1', 12300],
    ['[::1]', undefined, '::1', undefined],
    ['0.0.0.0:12300,[::]:12300', '0.0.0.0', '::', 12300],
    ['0.0.0.0:12300,[::]', '0.0.0.0', '::', 12300],
  ])('%s', (text, address4, address6, port) => {
    expect(parseListen(text)).toEqual({ address4, address6, port });
  });

  test.each([
    ['', 'has nothing for an address; write it as in 127.0.0.1:12300 or [::1]:12300'],
    ['70000', '70000 is no port; write one from 1 to 65535'],
    ['localhost:12300', 'has localhost for an address; write it as in 127.0.0.1:12300 or [::1]:12300'],
    ['::1:12300', 'has ::1:12300 for an address; write it as in 127.0.0.1:12300 or [::1]:12300'],
    [
      '198.51.100.2:12300',
      'has the address 198.51.100.2, where no redirected connection arrives; use 127.0.0.1 or [::1]',
    ],
    ['127.0.0.1:x', 'has a port that is no number; write it as in 443, or a range as in 8000-9000'],
    ['127.0.0.1:1,0.0.0.0:1', 'has two addresses of one family; give at most one for IPv4 and one for IPv6'],
    ['127.0.0.1:1,[::1]:2', 'has the ports 1 and 2; both families share one'],
  ])('refuses %j', (text, what) => {
    expect(parseListen(text)).toEqual({ kind: 'invalid', what });
  });
});

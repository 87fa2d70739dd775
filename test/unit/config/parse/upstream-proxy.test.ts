import { describe, expect, test } from 'vitest';
import { parseUpstreamProxy } from '../../../../src/config/parse/upstream-proxy.ts';

describe('parseUpstreamProxy', () => {
  test.each([
    ['socks5://proxy.example.com:1081', { host: 'proxy.example.com', port: 1081 }],
    ['socks5h://10.0.0.1', { host: '10.0.0.1', port: 1080 }],
    ['socks5://[2001:db8::1]:9050/', { host: '2001:db8::1', port: 9050 }],
    ['socks5://me@proxy:1', { host: 'proxy', port: 1, user: 'me' }],
    ['socks5://me:s%40c%3Aret@proxy:1', { host: 'proxy', port: 1, user: 'me', password: 's@c:ret' }],
  ])('%s', (text, expected) => {
    expect(parseUpstreamProxy(text)).toEqual({ user: undefined, password: undefined, ...expected });
  });

  test.each([
    ['proxy:1080', 'only socks5'],
    ['proxy', 'not a URL'],
    ['http://proxy:3128', 'ProxyCommand'],
    ['socks5://', 'no host'],
    ['socks5://proxy:0', '0 is no port; write one from 1 to 65535'],
    ['socks5://proxy:99999', 'not a URL'],
    ['socks5://proxy/path', 'after its port'],
    ['socks5://:secret@proxy', 'without a user'],
    ['socks5://%zz@proxy', 'percent-encoded'],
    [`socks5://${'u'.repeat(256)}@proxy`, '255 bytes'],
  ])('%s is refused', (text, words) => {
    expect(parseUpstreamProxy(text)).toEqual({ kind: 'invalid', what: expect.stringContaining(words) });
  });
});

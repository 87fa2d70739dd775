import { expect, test } from 'vitest';
import { exitCodeOfChild } from '../../../../../src/cli/commands/run/child-command.ts';
import { proxyEnvironment } from '../../../../../src/cli/commands/run/proxy-environment.ts';

test('every program finds the proxy: upper and lower case, names left to it', () => {
  const proxies = [
    { protocol: 'http', address: '127.0.0.1', port: 8080 },
    { protocol: 'socks', address: '::1', port: 1080 },
  ] as const;
  const http = 'http://ann:p%2Fw@127.0.0.1:8080';
  const socks = 'socks5h://ann:p%2Fw@[::1]:1080';
  const none = 'localhost,127.0.0.0/8,127.0.0.1,::1';
  expect(proxyEnvironment(proxies, { user: 'ann', password: 'p/w' })).toEqual({
    ...{ http_proxy: http, HTTP_PROXY: http, https_proxy: http, HTTPS_PROXY: http },
    ...{ all_proxy: socks, ALL_PROXY: socks, no_proxy: none, NO_PROXY: none },
  });
});

test.each([
  [0, null, 0],
  [3, null, 3],
  [null, 'SIGINT', 130],
  [null, 'SIGKILL', 137],
  [null, 'SIGTERM', 143],
] as const)('a child that ends with %j, %j: %d', (code, signal, exitCode) => {
  expect(exitCodeOfChild(code, signal)).toBe(exitCode);
});

import { expect, test } from 'vitest';
import { isAskedFor } from '../../../../src/app/metrics/asked-host.ts';

const [LOOPBACK, ALL] = ['127.0.0.1', '0.0.0.0'];

test.each([
  [undefined, LOOPBACK],
  ['127.0.0.1:9464', LOOPBACK],
  ['127.0.0.1', LOOPBACK],
  ['[::1]:9464', '::1'],
  ['localhost:9464', LOOPBACK],
  ['LOCALHOST.', LOOPBACK],
  ['10.0.0.5:9464', ALL],
  ['[fd00::1]:9464', '::'],
  ['laptop:9464', ALL],
  ['Laptop', '10.0.0.5'],
])('Host: %s is answered at %s', (field, address) => {
  expect(isAskedFor(field, address, 'laptop')).toBe(true);
});

test.each([
  ['evil.example:9464', LOOPBACK],
  ['evil.example', ALL],
  ['localhost.evil.example', LOOPBACK],
  ['127.0.0.1.evil.example', LOOPBACK],
  ['laptop.evil.example', ALL],
  ['laptop:9464', LOOPBACK],
  ['127.0.0.1@evil.example', LOOPBACK],
  ['evil.example@127.0.0.1', LOOPBACK],
  ['127.1', LOOPBACK],
  ['[evil.example]', LOOPBACK],
  ['::1', '::1'],
  ['', LOOPBACK],
  ['localhost:9464:80', LOOPBACK],
  ['localhost, evil.example', LOOPBACK],
])('Host: %s is not answered at %s', (field, address) => {
  expect(isAskedFor(field, address, 'laptop')).toBe(false);
});

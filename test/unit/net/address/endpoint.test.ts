import { expect, test } from 'vitest';
import { endpointOfBytes, formatEndpoint, makeEndpoint } from '../../../../src/net/address/endpoint.ts';
import { formatPortRange, parsePortRange } from '../../../../src/net/address/port-range.ts';
import { isOwnListener } from '../../../../src/net/machine/local-addresses.ts';

test.each([
  ['10.0.0.1', 22, '10.0.0.1:22'],
  ['::ffff:10.0.0.1', 22, '10.0.0.1:22'],
  ['::FFFF:a00:1', 22, '10.0.0.1:22'],
  ['0:0:0:0:0:ffff:10.0.0.1', 22, '10.0.0.1:22'],
  ['::ffff:0:a00:1', 22, '[::ffff:0:a00:1]:22'],
  ['2001:DB8::1', 443, '[2001:db8::1]:443'],
])('%s port %d is %s', (address, port, text) => {
  const endpoint = makeEndpoint(address, port);
  expect(endpoint && formatEndpoint(endpoint)).toBe(text);
});

test.each([
  ['example.com', 22],
  ['10.0.0.1', 0],
  ['10.0.0.1', 65_536],
  ['10.0.0.1', 1.5],
  ['', 22],
])('%s port %d is no endpoint', (address, port) => {
  expect(makeEndpoint(address, port)).toBeUndefined();
});

test.each([
  ['fe80::1%eth0', 22],
  ['::ffff:10.0.0.1%eth0', 22],
  ['010.0.0.1', 22],
])('%s port %d has a zone or zeros that mean something else, and is no endpoint', (address, port) => {
  expect(makeEndpoint(address, port)).toBeUndefined();
});

test.each([
  ['0a000001', 22, '10.0.0.1:22'],
  ['00000000000000000000ffff0a000001', 22, '10.0.0.1:22'],
  ['20010db8000000000000000000000001', 443, '[2001:db8::1]:443'],
  ['0a000001', 0, undefined],
  ['0a0000', 22, undefined],
  ['', 22, undefined],
])('bytes %s and port %d are %s', (bytes, port, text) => {
  const endpoint = endpointOfBytes(Buffer.from(bytes, 'hex'), port);
  expect(endpoint && formatEndpoint(endpoint)).toBe(text);
});

test.each([
  ['127.0.0.1', 12_300, true],
  ['127.1.2.3', 12_300, true],
  ['::1', 12_300, true],
  ['127.0.0.1', 12_301, false],
  ['203.0.113.9', 12_300, false],
])('%s:%d is our own listener at port 12300: %s', (address, port, expected) => {
  const endpoint = makeEndpoint(address, port);
  expect(endpoint && isOwnListener(endpoint, 12_300)).toBe(expected);
});

test.each(['1', '443', '8000-9000', '1-65535'])('port range %s reads back', (text) => {
  const ports = parsePortRange(text);
  expect(ports && formatPortRange(ports)).toBe(text);
});

test.each(['', '0', '65536', '9000-8000', '-1', '80-', 'http', '1-2-3', ' 80'])(
  '%j is no port range',
  (text) => {
    expect(parsePortRange(text)).toBeUndefined();
  },
);

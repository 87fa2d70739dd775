import { expect, test } from 'vitest';
import { placeOnCommandLine } from '../../../src/config/place.ts';
import { parseTransport, type RawTransport } from '../../../src/config/transport.ts';

const parse = (raw: RawTransport) => parseTransport(raw, (path) => `/home/me/${path}`, placeOnCommandLine);

test.each<[RawTransport, object]>([
  [{}, { kind: 'auto', controlPath: undefined, carry: 'socks' }],
  [{ transport: 'openssh' }, { kind: 'openssh', controlPath: undefined, carry: 'socks' }],
  [
    { transport: 'openssh', opensshCarry: 'handover' },
    { kind: 'openssh', carry: 'handover' },
  ],
  [{ controlPath: 'control' }, { kind: 'openssh', controlPath: '/home/me/control', carry: 'handover' }],
])('%o', (raw, expected) => {
  const { transport, problems, warnings } = parse(raw);
  expect(transport).toMatchObject(expected);
  expect([...problems, ...warnings]).toEqual([]);
});

test.each<[RawTransport, string, string]>([
  [{ transport: 'libssh' }, '--transport libssh', 'auto, ssh2, openssh'],
  [{ opensshCarry: 'pigeon' }, '--openssh-carry pigeon', 'socks, handover'],
  [{ controlPath: '' }, '--control-path', 'is empty'],
  [{ controlPath: 'c', transport: 'ssh2' }, '--control-path c', 'not ssh2'],
  [{ controlPath: 'c', opensshCarry: 'socks' }, '--control-path c', '--openssh-carry handover'],
  [{ transport: 'openssh', upstreamProxy: 'socks5://proxy:1' }, '--upstream-proxy', 'ProxyCommand'],
])('%o is a mistake', (raw, where, what) => {
  const [problem] = parse(raw).problems;
  expect(problem?.where).toContain(where);
  expect(problem?.what).toContain(what);
});

test.each<[RawTransport, string]>([
  [{ transport: 'ssh2', opensshCarry: 'socks' }, '--openssh-carry socks'],
  [{ transport: 'openssh', connections: '4' }, '--connections 4'],
])('%o has no effect', (raw, where) => {
  expect(parse(raw).warnings.map((warning) => warning.where)).toEqual([where]);
});

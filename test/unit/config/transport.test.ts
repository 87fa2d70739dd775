import { expect, test } from 'vitest';
import { NOTHING_GIVEN, type RawOptions } from '../../../src/config/options/table.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';

type Given = Partial<RawOptions>;

const parse = (given: Given) =>
  parseConfig(
    { ...NOTHING_GIVEN, remote: ['h'], subnets: ['10.0.0.0/8'], ...given },
    {
      readTextFile: () => ({ kind: 'unreadable', what: 'is not read' }),
      whyUnreadable: () => undefined,
      homeDirectory: '/home/me',
      workingDirectory: '/home/me',
    },
  );

test.each<[Given, object]>([
  [{}, { kind: 'auto', controlPath: undefined, carry: 'socks' }],
  [{ transport: 'openssh' }, { kind: 'openssh', controlPath: undefined, carry: 'socks' }],
  [
    { transport: 'openssh', opensshCarry: 'handover' },
    { kind: 'openssh', carry: 'handover' },
  ],
  [{ controlPath: 'control' }, { kind: 'openssh', controlPath: '/home/me/control', carry: 'handover' }],
])('%o', (given, transport) => {
  expect(parse(given)).toMatchObject({ config: { transport }, warnings: [] });
});

test.each<[Given, string, string]>([
  [{ transport: 'libssh' }, '--transport libssh', 'auto, ssh2, openssh'],
  [{ opensshCarry: 'pigeon' }, '--openssh-carry pigeon', 'socks, handover'],
  [{ controlPath: '' }, '--control-path', 'is empty'],
  [{ controlPath: 'c', transport: 'ssh2' }, '--control-path c', 'not ssh2'],
  [{ controlPath: 'c', opensshCarry: 'socks' }, '--control-path c', '--openssh-carry handover'],
  [{ transport: 'openssh', upstreamProxy: 'socks5://proxy:1' }, '--upstream-proxy', 'ProxyCommand'],
])('%o is a mistake', (given, where, what) => {
  expect(parse(given)).toMatchObject({
    problems: [{ where: expect.stringContaining(where), what: expect.stringContaining(what) }],
  });
});

test.each<[Given, string]>([
  [{ transport: 'ssh2', opensshCarry: 'socks' }, '--openssh-carry socks'],
  [{ transport: 'openssh', connections: '4' }, '--connections 4'],
])('%o has no effect', (given, where) => {
  expect(parse(given)).toMatchObject({ warnings: [{ where }] });
});

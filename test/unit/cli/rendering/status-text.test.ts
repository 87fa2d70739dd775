import { expect, test } from 'vitest';
import { formatBytes, formatDuration } from '../../../../src/cli/rendering/quantities.ts';
import { renderStatus } from '../../../../src/cli/rendering/status-text.ts';
import type { TunnelReport } from '../../../../src/daemon/control/protocol.ts';
import type { TunnelStatus } from '../../../../src/tunnel/status/status.ts';

const NOW = 1_800_000_000_000;
const plain = { green: String, yellow: String, red: String, bold: String };

const UP: TunnelStatus = {
  state: { kind: 'up', sinceMs: NOW - 7_800_000 },
  bastion: 'me@gate.example (203.0.113.7:22)',
  algorithms: null,
  roundTripMs: 12.4,
  flows: { now: 3, held: 0, total: 1_234, opened: 1_230 },
  failures: [],
  bytesUp: 1_600_000,
  bytesDown: 3_650_722_202,
  names: null,
  reconnects: 0,
  captureProblems: [],
  lastError: null,
  advice: null,
};
const report = (name: string, status: TunnelStatus | null, captured: string | null): TunnelReport => ({
  name,
  profileFile: null,
  bastionKey: '',
  catalogKey: null,
  programs: null,
  logFile: null,
  captured,
  rules: [],
  ruleCount: 0,
  status,
});

test('status shows a line for each tunnel, and below what is to be said', () => {
  const waiting: TunnelStatus = {
    ...UP,
    state: { kind: 'waiting', sinceMs: NOW - 65_000, for: { kind: 'user', why: 'refused' } },
    roundTripMs: null,
    flows: { now: 2, held: 2, total: 9, opened: 7 },
    reconnects: 2,
    lastError: {
      code: 'ERR_BASTION_AUTH',
      message: 'me@otp.example refused every key',
      remedy: 'give one with -i',
      atMs: NOW - 60_000,
    },
    advice: 'give one with -i',
  };
  const backoff: TunnelStatus = {
    ...UP,
    state: { kind: 'waiting', sinceMs: NOW - 5_000, for: { kind: 'backoff', retryAtMs: NOW + 2_000 } },
  };
  const text = renderStatus(
    [
      report('office', UP, 'capturing 10.0.0.0/8 through me@gate.example, by nft'),
      report('otp', waiting, 'capturing 10.9.0.0/16 through me@otp.example, by nft'),
      report('train', backoff, null),
      report('new', null, null),
    ],
    [{ path: '/run/x.sock', pid: 77, isOwn: true, reason: 'it does not answer' }],
    NOW,
    plain,
  );
  expect(`\n${text}`).toMatchSnapshot();
});

test('addresses for names are told when they run out, with what to do, and not before', () => {
  const textOf = (names: TunnelStatus['names']) =>
    renderStatus([report('office', { ...UP, names }, null)], [], NOW, plain);
  expect(textOf({ inUse: 40, capacity: 58, refused: 0 })).not.toContain('addresses');
  expect(textOf({ inUse: 55, capacity: 58, refused: 0 })).toContain(
    'office: ! 55 of the 58 addresses for names in zones are in use\n    have a larger network by --synthetic-range\n',
  );
  expect(textOf({ inUse: 2, capacity: 58, refused: 1 })).toContain(
    '; 1 query answered SERVFAIL for want of one',
  );
});

test('failures are told by cause, with what to do; a tunnel of which nothing has come does not look fine', () => {
  const prohibited = {
    cause: 'prohibited',
    count: 12,
    lastAtMs: NOW - 3_000,
    lastDestination: '10.0.0.8:5432',
    advice: 'ask for AllowTcpForwarding yes',
  } as const;
  const own = {
    ...prohibited,
    cause: 'own-descriptors',
    lastDestination: null,
    advice: 'ulimit -n',
  } as const;
  const closed: TunnelStatus = {
    ...UP,
    flows: { now: 0, held: 0, total: 12, opened: 0 },
    failures: [prohibited],
    advice: prohibited.advice,
  };
  const narrow: TunnelStatus = { ...UP, failures: [prohibited, { ...own, count: 1 }] };
  const text = renderStatus([report('closed', closed, null), report('narrow', narrow, null)], [], NOW, plain);
  expect(text.match(/^closed .*$/m)?.[0]).toMatch(/ all fail /);
  expect(text.match(/^narrow .*$/m)?.[0]).toMatch(/ up /);
  expect(text.slice(text.indexOf('\n\n'))).toBe(`

closed: ! 12 connections refused by the bastion, which prohibits forwarding; the last, 10.0.0.8:5432, 3 s ago
closed: do this: ask for AllowTcpForwarding yes
narrow: ! 12 connections refused by the bastion, which prohibits forwarding; the last, 10.0.0.8:5432, 3 s ago
    ask for AllowTcpForwarding yes
narrow: ! 1 connection reset because tshuttle was out of file descriptors; the last 3 s ago
    ulimit -n
`);
});

test.each([
  { code: 'ERR_HOST_KEY', does: "ssh-keygen -R 'gate'; then: tshuttle login office" },
  { code: 'ERR_CONFIG', does: "ssh-keygen -R 'gate'; then: tshuttle login office" },
  { code: 'ERR_BASTION_AUTH', does: 'tshuttle login office' },
] as const)('after $code: do this: $does', ({ code, does }) => {
  const remedy = "ssh-keygen -R 'gate'";
  const status: TunnelStatus = {
    ...UP,
    state: { kind: 'waiting', sinceMs: NOW, for: { kind: 'user', why: 'refused' } },
    lastError: { code, message: 'no', remedy, atMs: NOW },
    advice: `log in, after this: ${remedy}`,
  };
  const text = renderStatus([report('office', status, null)], [], NOW, plain);
  expect(text).toContain(`office: do this: ${does}\n`);
  expect(text.split(remedy)).toHaveLength(2);
});

test('status says when there is nothing', () => {
  expect(renderStatus([], [], NOW, plain)).toBe('no tunnel is up\n');
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 KiB'],
  [1_536, '1.5 KiB'],
  [327_155_712, '312 MiB'],
  [2 ** 52, '4096 TiB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [-5, '0 s'],
  [3_400, '3 s'],
  [61_000, '1 min'],
  [7_800_000, '2 h 10 min'],
  [97 * 3_600_000, '4 d 1 h'],
])('%d ms are %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

test('what was agreed on is said in a line', async () => {
  const algorithms = {
    keyExchange: 'curve25519-sha256',
    hostKey: 'ssh-ed25519',
    cipher: 'aes256-ctr',
    mac: 'hmac-sha2-256-etm@openssh.com',
    compression: 'none',
    isStrict: false,
    isPostQuantum: false,
  };
  const status = { ...UP, algorithms };
  const text = await renderStatus([report('office', status, null)], [], NOW, plain);
  expect(text).toContain(
    'office: encrypted by aes256-ctr with hmac-sha2-256-etm@openssh.com, key exchange curve25519-sha256 (not post-quantum), ' +
      'host key ssh-ed25519, not strict\n',
  );
});

test('of several bastions it says which one is used, and what is the matter with the others', () => {
  const bastions = [
    { bastion: 'me@a', isUsed: false, lastError: 'me@a: no answer' },
    { bastion: 'me@b', isUsed: true, lastError: null },
    { bastion: 'me@c', isUsed: false, lastError: null },
  ];
  expect(renderStatus([report('office', { ...UP, bastions }, null)], [], NOW, plain)).toContain(
    'office: bastion 2 of 3; me@a (me@a: no answer); me@c stands by\n',
  );
});

test('of a network that two tunnels capture it says which of them has it', () => {
  const withRules = (name: string, ...subnets: readonly string[]): TunnelReport => ({
    ...report(name, UP, null),
    rules: subnets.map((subnet) => ({
      action: subnet.startsWith('-') ? 'exclude' : 'include',
      subnet: subnet.replace('-', ''),
    })),
  });
  const textOf = (...reports: TunnelReport[]) => renderStatus(reports, [], NOW, plain);
  expect(textOf(withRules('office', '10.0.0.0/8'), withRules('home', '10.1.0.0/16'))).toContain(
    '10.1.0.0/16 is captured by office and home: the tunnel that was started last gets its connections\n',
  );
  const apart = textOf(withRules('office', '10.0.0.0/8', '-10.1.0.0/16'), withRules('home', '10.1.0.0/16'));
  expect(apart).not.toContain('is captured by');
});

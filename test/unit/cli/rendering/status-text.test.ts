import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { TunnelsNow } from '../../../../src/app/running-tunnels/tunnel-views.ts';
import { howToStartOneOf } from '../../../../src/app/running-tunnels/what-there-is.ts';
import { formatTunnels, unknownPlaceholders } from '../../../../src/cli/commands/status/status-format.ts';
import { whyNotUp } from '../../../../src/cli/commands/status/why-not-up.ts';
import { renderStatus } from '../../../../src/cli/rendering/status-text.ts';
import { hasUnicode, lookOf } from '../../../../src/cli/rendering/terminal.ts';
import { formatBytes, formatDuration } from '../../../../src/core/quantities.ts';
import type { FailureCount, TunnelStatus } from '../../../../src/tunnel/status/status.ts';
import { NOW_MS, reportOf, tunnelsOf, UP } from '../../../support/in-process/tunnel-reports.ts';

const TERMINAL = { columns: 80, rows: 24, hasUnicode: true, hasColour: false };
const WIDE = { ...TERMINAL, columns: 200, rows: 50 };
const PIPE = { columns: undefined, rows: 24, hasUnicode: false, hasColour: false };

const FAILURE: FailureCount = {
  cause: 'refused',
  count: 2,
  lastAtMs: NOW_MS - 3_000,
  lastDestination: '10.0.0.9:443',
  advice: 'check the port, and that something listens there',
};
const LOST = {
  code: 'ERR_BASTION_LOST',
  message: 'the connection to me@gate.example (203.0.113.7:22) was lost: it was reset',
  remedy: null,
  atMs: NOW_MS - 3_000,
} as const;
const UDP = {
  cause: 'udp-not-refused',
  what: 'UDP to captured networks is not refused, and leaves directly: the kernel has no REJECT for iptables',
  remedy: 'TCP is captured all the same; --udp direct if that is what you want',
} as const;

/** What a user may see, by what it is about. */
const SCREENS: Readonly<Record<string, TunnelsNow>> = {
  'all is right': tunnelsOf([reportOf('office', { ...UP, failures: [FAILURE] }, '10.0.0.0/8')]),
  connecting: tunnelsOf([
    reportOf(
      'train',
      {
        ...UP,
        state: {
          kind: 'waiting',
          sinceMs: NOW_MS - 5_000,
          for: { kind: 'backoff', retryAtMs: NOW_MS + 2_000 },
        },
        roundTripMs: null,
        flows: { ...UP.flows, now: 1, held: 1 },
        lastError: LOST,
      },
      '10.0.0.0/8',
    ),
    reportOf('new', null),
  ]),
  'needs a code': tunnelsOf([
    reportOf(
      'office',
      {
        ...UP,
        state: { kind: 'waiting', sinceMs: NOW_MS - 65_000, for: { kind: 'user', why: 'would ask' } },
        roundTripMs: null,
        flows: { now: 2, held: 2, total: 9, opened: 7 },
        lastError: LOST,
        reconnects: 1,
      },
      '10.0.0.0/8',
    ),
  ]),
  'the login was refused': tunnelsOf([
    reportOf(
      'office',
      {
        ...UP,
        state: { kind: 'waiting', sinceMs: NOW_MS - 65_000, for: { kind: 'user', why: 'refused' } },
        lastError: {
          code: 'ERR_BASTION_AUTH',
          message:
            'me@gate.example (203.0.113.7:22) refused the login; tried: ED25519 SHA256:abc; it accepts: publickey',
          remedy: 'name the key with -i FILE',
          atMs: NOW_MS - 60_000,
        },
      },
      '10.0.0.0/8',
    ),
  ]),
  'two tunnels compete': tunnelsOf([
    reportOf('office', UP, '10.0.0.0/8'),
    reportOf(
      'lab',
      {
        ...UP,
        bastion: 'root@lab.example (198.51.100.9:22)',
        bastions: [
          { bastion: 'root@first.example', isUsed: false, lastError: 'no answer within 10 s' },
          { bastion: 'root@lab.example', isUsed: true, lastError: null },
          { bastion: 'root@third.example', isUsed: false, lastError: null },
        ],
      },
      '10.1.0.0/16',
      '192.168.7.0/24',
    ),
  ]),
  'UDP is not refused': tunnelsOf([reportOf('office', { ...UP, captureProblems: [UDP] }, '10.0.0.0/8')]),
  'all fail': tunnelsOf([
    reportOf(
      'office',
      {
        ...UP,
        flows: { now: 0, held: 0, total: 12, opened: 0 },
        failures: [{ ...FAILURE, cause: 'prohibited', count: 12, advice: 'ask for AllowTcpForwarding yes' }],
      },
      '10.0.0.0/8',
    ),
  ]),
  'nothing is up': tunnelsOf([]),
  'one that was named is not up, and a process does not answer': tunnelsOf([], {
    down: ['office', 'me@h'],
    over: ['me@h'],
    silent: [{ path: '/run/x.sock', pid: 77, isOwn: true, reason: 'it does not answer' }],
  }),
};

const howToStart = howToStartOneOf(['lab', 'office']);

describe('what status shows', () => {
  test('at 80x24, wide, piped where symbols cannot be shown, and as JSON', async () => {
    const pages = Object.entries(SCREENS).map(([title, now]) => {
      const isDetailed = now.tunnels.length === 1;
      const text = (look: typeof PIPE | typeof TERMINAL) =>
        renderStatus(now, { nowMs: NOW_MS, look, isDetailed, howToStart });
      const { tunnels, ...rest } = now;
      const json = {
        ...rest,
        tunnels: tunnels.map(({ name, health, problems, shares }) => ({ name, health, problems, shares })),
      };
      return [
        `## ${title}`,
        `# 80x24\n${text(TERMINAL)}`,
        `# 200x50\n${text(WIDE)}`,
        `# piped, LANG=C\n${text(PIPE)}`,
        `# --format '{mark}{name}'\n${formatTunnels(now, '{mark}{name}', { look: TERMINAL, nowMs: NOW_MS })}`,
        `# is-up\n${now.health === 'up' ? '' : whyNotUp(now, howToStart)}`,
        `# --json, what is new\n${JSON.stringify(json)}\n`,
      ].join('\n');
    });
    await expect(pages.join('\n')).toMatchFileSnapshot(
      new URL('../golden/status-screens.txt', import.meta.url).pathname,
    );
  });

  test('no line is longer than the terminal is wide, and each screen has room on 80x24', () => {
    for (const now of Object.values(SCREENS)) {
      for (const columns of [80, 60, 40]) {
        const look = { ...TERMINAL, columns };
        const text = renderStatus(now, { nowMs: NOW_MS, look, isDetailed: true, howToStart });
        const lines = text.trimEnd().split('\n');
        // The line of nothing is not broken: it is one as errors are.
        if (now.tunnels.length > 0)
          expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
        if (columns === 80) expect(lines.length).toBeLessThanOrEqual(24);
      }
    }
  });

  test('colours are of the mark and the word, and nothing else differs', () => {
    const of = (hasColour: boolean) =>
      renderStatus(SCREENS['connecting']!, {
        nowMs: NOW_MS,
        look: { ...TERMINAL, hasColour },
        isDetailed: true,
        howToStart,
      });
    expect(of(true)).toContain('\u001b[33m◐\u001b[39m');
    expect(of(true)).toContain('    \u001b[33m!\u001b[39m the connection');
    expect(stripVTControlCharacters(of(true))).toBe(of(false));
  });

  test('datagrams that are relayed are told of one tunnel', () => {
    const relaying: TunnelStatus = { ...UP, udp: { flows: 3, sent: 120, received: 118, dropped: 2 } };
    const shown = (status: TunnelStatus) =>
      renderStatus(tunnelsOf([reportOf('office', status, '10.0.0.0/8')]), {
        ...{ nowMs: NOW_MS, look: PIPE },
        howToStart,
        isDetailed: true,
      });
    expect(shown(relaying)).toContain('UDP: 3 open, 120 datagrams sent, 118 received, 2 dropped');
    expect(shown(UP)).not.toContain('UDP');
  });

  test('what is over for longer than an hour is told of one tunnel, and not of many', () => {
    const old: TunnelStatus = { ...UP, failures: [{ ...FAILURE, lastAtMs: NOW_MS - 7_200_000 }] };
    const shown = (isDetailed: boolean) =>
      renderStatus(tunnelsOf([reportOf('office', old, '10.0.0.0/8')]), {
        ...{ nowMs: NOW_MS, look: PIPE },
        isDetailed,
        howToStart,
      });
    expect(shown(true)).toContain(
      '2 connections refused by the destination; the last to 10.0.0.9:443 (2 h 0 min ago)',
    );
    expect(shown(false)).not.toContain('refused by the destination');
  });
});

test('a text for each tunnel is one line, whatever a tunnel says; other placeholders are named', () => {
  const now = tunnelsOf([reportOf('a', UP, '10.0.0.0/8'), reportOf('b', null)], { down: ['c'] });
  const context = { look: { hasUnicode: false }, nowMs: NOW_MS };
  const text = '{mark}{name}/{state}/{since}/{open}/{waiting}/{rtt}/{health}/{problem}/{bastion}';
  expect(formatTunnels(now, text, context)).toBe(
    '*a/up/2 h 10 min/3/0/12 ms/up//me@gate.example (203.0.113.7:22) ~b/opening//0/0//connecting// oc/not up//0/0//down//',
  );
  expect(formatTunnels(tunnelsOf([]), text, context)).toBe('');
  expect(unknownPlaceholders('{mark} {nam} {}')).toEqual(['{nam}', '{}']);
});

describe('what a terminal can show', () => {
  test.each([
    [{ LANG: 'C' }, false],
    [{ LANG: 'en_GB.UTF-8' }, true],
    [{ LANG: 'en_GB.UTF-8', LC_ALL: 'C' }, false],
    [{ LC_CTYPE: 'C.utf8' }, true],
    [{ LANG: 'C.UTF-8', TERM: 'linux' }, false],
    [{}, false],
  ])('%j: symbols %s', (environment, isShown) => expect(hasUnicode(environment, 'linux')).toBe(isShown));

  test.each([
    [{ TERM: 'xterm' }, true, true],
    [{ TERM: 'dumb' }, true, false],
    [{ TERM: 'xterm', NO_COLOR: '1' }, true, false],
    [{ TERM: 'xterm', NO_COLOR: '' }, true, true],
    [{ TERM: 'xterm', CI: '1' }, false, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, false],
  ])('%j, a terminal %s: colours %s', (environment, isTTY, hasColour) => {
    const stream = { isTTY: isTTY as true, columns: 120, rows: 30 };
    expect(lookOf(environment, stream)).toMatchObject({ hasColour, columns: isTTY ? 120 : undefined });
  });
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

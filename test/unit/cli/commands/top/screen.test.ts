import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import {
  type TopDocument,
  type TopFlow,
  topDocument,
} from '../../../../../src/cli/commands/top/document/top-document.ts';
import type { MovingFlow } from '../../../../../src/cli/commands/top/rates.ts';
import { drawOnce, drawScreen, type TopContent } from '../../../../../src/cli/commands/top/screen/screen.ts';
import type { ScreenStyle } from '../../../../../src/cli/commands/top/screen/style.ts';
import { FIRST_STATE, type TopState } from '../../../../../src/cli/commands/top/view/state.ts';
import { displayWidth } from '../../../../../src/cli/rendering/display-width.ts';
import type { ConnectionOwner } from '../../../../../src/net/machine/connection-owners/connection-owners.ts';
import type { FlowEnding, TunnelStatus } from '../../../../../src/tunnel/status/status.ts';
import { NOW_MS, reportOf, tunnelsOf, UP } from '../../../../support/in-process/tunnel-reports.ts';

const PLAIN = pc.createColors(false);

function flow(destination: string, port: number, otherwise: Partial<MovingFlow> = {}): MovingFlow {
  return {
    destination,
    address: null,
    originator: `192.168.1.5:${port}`,
    called: '10.0.0.8:5432',
    openingMs: 12.3,
    ageMs: 7_800_000,
    stage: 'open',
    bytesUp: 20_480,
    bytesDown: 100_000_000,
    upBytesPerSec: 0,
    downBytesPerSec: 0,
    ...otherwise,
  };
}

const OFFICE: readonly MovingFlow[] = [
  flow('db.internal:5432', 40_001, { address: '198.18.0.7', downBytesPerSec: 1_500_000, upBytesPerSec: 900 }),
  flow('10.0.0.8:443', 40_002, { ageMs: 5_000, bytesDown: 5_000, upBytesPerSec: 99_999 }),
  flow('10.0.0.8:443', 40_003, { stage: 'held', openingMs: null, ageMs: 59_000, bytesUp: 0, bytesDown: 0 }),
  flow('[fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535', 40_004, { ageMs: 3 * 86_400_000 }),
  flow(`${'very-'.repeat(20)}long.name.example:8443`, 40_005),
  flow('データベース.例え:5432', 40_006),
  flow('evil\u001b[2J\u202e\nname:1', 40_007),
];
const LAB: readonly MovingFlow[] = [
  flow('lab.internal:22', 50_001, { upBytesPerSec: 12, openingMs: 15_000 }),
];

const OWNERS: Readonly<Record<string, ConnectionOwner>> = {
  40001: { kind: 'program', name: 'psql', pid: 4_242 },
  40002: { kind: 'program', name: 'firefox-bin-wor', pid: 1_234_567 },
  40003: { kind: 'program', name: 'curl', pid: 77 },
  40004: { kind: 'user', userId: 1_001 },
  40005: { kind: 'machine', address: '192.168.100.200' },
  40006: { kind: 'program', name: '日本語のプログラム', pid: 5 },
  40007: { kind: 'ended' },
};
const ownerOf = ({ originator }: TopFlow): ConnectionOwner | undefined => OWNERS[originator.split(':')[1]!];

const FAILING: TunnelStatus = {
  ...UP,
  failures: [
    {
      cause: 'refused',
      count: 12,
      lastAtMs: NOW_MS - 5_000,
      lastDestination: '10.0.0.9:80',
      advice: 'check the port, and that something listens there',
    },
    {
      cause: 'bastion-lost',
      count: 1,
      lastAtMs: NOW_MS - 3_600_000,
      lastDestination: 'db.internal:5432',
      advice: null,
    },
  ],
};

function ending(destination: string, agoMs: number): FlowEnding {
  const why = 'refused: Connection refused';
  return {
    ...flow(destination, 1),
    endedAtMs: NOW_MS - agoMs,
    durationMs: 1,
    end: 'refused',
    cause: 'refused',
    why,
  };
}

function documentOf(
  tunnels: Readonly<Record<string, readonly [TunnelStatus | null, readonly MovingFlow[]]>>,
  down: readonly string[] = [],
): TopDocument {
  const names = Object.keys(tunnels);
  const now = tunnelsOf(
    names.map((name) => reportOf(name, tunnels[name]![0], '10.0.0.0/8')),
    { down },
  );
  const endings = [
    ending('10.0.0.9:80', 5_000),
    ending('10.0.0.9:81', 60_000),
    ending('10.0.0.9:80', 70_000),
  ];
  const looks = now.tunnels.map((view) => ({
    ...{ view, flows: tunnels[view.name]![1], endings, upBytesPerSec: 100_911, downBytesPerSec: 1_500_000 },
  }));
  return topDocument(now, looks, NOW_MS);
}

const HISTORY = Array.from({ length: 300 }, (_, second) => ({
  upBytesPerSec: second % 10,
  downBytesPerSec: 1_000 * (second % 60),
}));

const ONE = documentOf({ office: [FAILING, OFFICE] });
const TWO = documentOf({ office: [FAILING, OFFICE], lab: [{ ...UP, roundTripMs: null }, LAB] });

function contentOf(document: TopDocument): TopContent {
  return { document, historyOf: () => HISTORY, ownerOf };
}

function draw(
  [columns, rows]: readonly [columns: number, rows: number],
  state: Partial<TopState> = {},
  document = ONE,
  style: Partial<ScreenStyle> = {},
) {
  return drawScreen(
    contentOf(document),
    { ...FIRST_STATE, ...state },
    { columns, rows, hasUnicode: true, colours: PLAIN, ...style },
  );
}

const SIZES: ReadonlyArray<readonly [number, number]> = [
  [80, 24],
  [120, 30],
  [200, 50],
];

describe.each(SIZES)('on %i x %i', (...size) => {
  test.each<readonly [string, Partial<TopState>, TopDocument]>([
    ['flows of one tunnel', {}, ONE],
    ['flows of several tunnels', {}, TWO],
    ['grouped by destination', { isGrouped: true, order: 'n' }, ONE],
    ['failures', { panel: 'failures' }, ONE],
    ['help', { panel: 'help' }, ONE],
  ])('%s', (_, state, document) => {
    expect(draw(size, state, document).lines.join('\n')).toMatchSnapshot();
  });

  test('without Unicode it is ASCII', () => {
    const text = draw(size, {}, TWO, { hasUnicode: false }).lines.join('\n');
    expect(text).toMatch(/^[\n -~]*$/);
    expect(text).toMatchSnapshot();
  });
});

test('it fills the screen and no line wraps, whatever its size and what is shown', () => {
  const many = documentOf(
    { office: [FAILING, [...OFFICE, ...OFFICE, ...OFFICE, ...OFFICE]], lab: [null, LAB] },
    ['far'],
  );
  const states: ReadonlyArray<Partial<TopState>> = [
    {},
    { isGrouped: true },
    { panel: 'failures' },
    { panel: 'help' },
    { isTyping: true, filter: '日本'.repeat(30) },
    { filter: 'x'.repeat(90) },
    { tunnel: 'office', first: 5_000 },
    { tunnel: 'gone' },
  ];
  for (const document of [ONE, TWO, many, documentOf({})])
    for (const state of states)
      for (const columns of [1, 10, 20, 40, 60, 80, 100, 120, 140, 170, 400])
        for (const rows of [1, 2, 5, 10, 18, 24, 60]) {
          const { lines } = draw([columns, rows], state, document, { hasUnicode: rows !== 24 });
          if (lines.length !== rows) throw new Error(`${columns} x ${rows} has ${lines.length} lines`);
          for (const line of lines) if (displayWidth(line) > columns) throw new Error(`${columns}: ${line}`);
        }
});

test('nothing in a name is more than text', () => {
  for (const line of draw([200, 50]).lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  const coloured = draw([200, 50], {}, TWO, { colours: pc.createColors(true) }).lines;
  expect(coloured.map(stripVTControlCharacters)).toEqual(draw([200, 50], {}, TWO).lines);
  expect(coloured.join('')).toContain('\u001b[7m');
});

const shownIn = (state: Partial<TopState>, document = ONE): string[] =>
  draw([200, 50], state, document)
    .lines.join('\n')
    .split(/^DESTINATION .*$/m)[1]!
    .trim()
    .split('\n')
    .map(
      (line) =>
        line
          .slice(0, 60)
          .trim()
          .split(/\s{2,}/)[0]!,
    )
    .slice(0, -2)
    .filter(Boolean);

test.each([
  ['r', 'db.internal:5432'],
  ['d', 'db.internal:5432'],
  ['u', '10.0.0.8:443'],
  ['a', '[fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535'],
  ['p', '10.0.0.8:443'],
  ['n', '10.0.0.8:443'],
] as const)('sorted by %s', (order, first) => {
  expect(shownIn({ order })[0]).toBe(first);
});

test('an order by program is by its name, and what is not known is last', () => {
  const programs = draw([200, 50], { order: 'p' })
    .lines.join('\n')
    .match(/^.{67}.*?(192\.168\.1|curl|firefox|of user|psql|日本| - )/gm)!
    .map((line) => /(192\.168\.1|curl|firefox|of user|psql|日本| - )/.exec(line)![0].trim());
  expect(programs).toEqual(['curl', 'firefox', 'psql', '日本', '192.168.1', 'of user', '-']);
});

test.each([
  ['DB.INT', 1],
  ['psql', 1],
  ['4242', 1],
  ['443 curl', 1],
  ['198.18.0.7', 1],
  ['office', 7],
  ['lab', 1],
  ['nothing like it', 0],
])('filtered by %j: %i of 8', (filter, count) => {
  const { list, lines } = draw([200, 50], { filter }, TWO);
  expect(list.lines).toBe(count);
  const position =
    count === 0
      ? `no flows, by rate, with "${filter}"`
      : `1-${count} of ${count} flows, by rate, with "${filter}"`;
  expect(lines.at(-2)).toBe(position);
});

test('a destination has its flows in one line: sums, the oldest, the programs', () => {
  const { lines, list } = draw([200, 50], { isGrouped: true, filter: '0.8:443' });
  expect(list.lines).toBe(1);
  expect(lines.find((one) => one.startsWith('10.0.0.8:443'))).toMatch(
    / 2 curl, firefox-b\.\. +1 held +12\.3 ms +59 s 20\.0 KiB +4\.9 KiB 97\.7 KiB +0 B +$/,
  );
});

test('it is scrolled, with where in the list this is', () => {
  const many = documentOf({
    office: [UP, Array.from({ length: 100 }, (_, at) => flow(`h${String(at).padStart(3, '0')}:1`, at + 1))],
  });
  const { list, lines, flows } = draw([80, 24], { first: 10, order: 'n' }, many);
  expect(list).toEqual({ lines: 100, room: 15 });
  expect(lines.at(-2)).toBe('11-25 of 100 flows, by destination');
  expect(lines.filter((line) => /^h\d/.test(line))).toHaveLength(15);
  expect(lines.find((line) => line.startsWith('h'))).toMatch(/^h010:1 /);
  expect(draw([80, 24], { first: 999 }, many).lines.at(-2)).toMatch(/^86-100 of 100 /);
  // Whose programs are looked for: of those that are shown, and of all where the program decides what is shown.
  expect(flows.map(({ destination }) => destination)).toEqual(
    lines.flatMap((line) => /^h\d+:1/.exec(line)?.[0] ?? []),
  );
  expect(draw([80, 24], { order: 'p' }, many).flows).toHaveLength(115);
});

test('what is wrong, and what to do', () => {
  const waiting: TunnelStatus = {
    ...UP,
    state: { kind: 'waiting', sinceMs: NOW_MS - 60_000, for: { kind: 'user', why: 'refused' } },
  };
  const { lines } = draw([80, 24], {}, documentOf({ office: [waiting, []] }, ['lab']));
  expect(lines[0]).toMatch(/^○ office {2}needs login 1 min/);
  expect(lines.slice(1, 4)).toEqual([
    '! the bastion refused the login',
    '  -> tshuttle login office',
    '○ lab  not up -> tshuttle up lab',
  ]);
  expect(draw([80, 24], {}, documentOf({})).lines[0]).toBe('no tunnel is up');
  expect(draw([80, 24], { tunnel: 'lab' }).lines[0]).toBe('○ lab  not up -> tshuttle up lab');
});

test('one tunnel of several', () => {
  const { lines, list } = draw([120, 30], { tunnel: 'lab' }, TWO);
  expect(lines[0]).toMatch(/^● lab {2}up 2 h 10 min, me@gate/);
  expect(list.lines).toBe(1);
  expect(lines.join('\n')).not.toMatch(/db\.internal|TUNNEL/);
});

test('failures, by cause and destination, are filtered by either', () => {
  const failures = (filter: string): readonly string[] =>
    draw([120, 30], { panel: 'failures', filter })
      .lines.slice(7, -2)
      .filter((line) => line !== '');
  expect(failures('')).toEqual([
    '12 refused by the destination, last 5 s ago',
    '  -> check the port, and that something listens there',
    '  2 to 10.0.0.9:80, last 5 s ago: refused: Connection refused',
    '  1 to 10.0.0.9:81, last 1 min ago: refused: Connection refused',
    '1 lost with the bastion, or not carried while it was away, last 1 h 0 min ago',
    '  1 to db.internal:5432, last 1 h 0 min ago',
  ]);
  expect(failures('9:81')).toHaveLength(3);
  expect(failures('lost with')).toHaveLength(2);
  expect(failures('nowhere')).toEqual([]);
});

describe('once', () => {
  test('elsewhere than on a terminal it is all there is, and nothing is cut off', () => {
    const lines = drawOnce(contentOf(TWO), { columns: undefined, hasUnicode: true, colours: PLAIN });
    expect(lines.join('\n')).toMatchSnapshot();
    expect(lines.join('\n')).toContain(`${'very-'.repeat(20)}long.name.example:8443`);
  });

  test('on a terminal nothing wraps', () => {
    const lines = drawOnce(contentOf(TWO), { columns: 80, hasUnicode: false, colours: PLAIN });
    for (const line of lines) expect(line).toMatch(/^[ -~]{0,80}$/);
    expect(lines.filter((line) => /40 +B|KiB|MiB/.test(line)).length).toBeGreaterThan(8);
  });

  test('where nobody can tell the programs there is no column for them', () => {
    const lines = drawOnce(
      { ...contentOf(ONE), ownerOf: undefined },
      { columns: undefined, hasUnicode: true, colours: PLAIN },
    );
    expect(lines.join('\n')).not.toMatch(/PROGRAM|PID/);
  });
});

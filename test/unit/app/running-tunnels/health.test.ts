import { describe, expect, test } from 'vitest';
import { sharedBy } from '../../../../src/app/keep-up/shared-networks.ts';
import {
  HEALTHS,
  healthOf,
  problemsOf,
  wordFor,
  worstOf,
} from '../../../../src/app/running-tunnels/health.ts';
import type { TunnelStatus } from '../../../../src/tunnel/status/status.ts';
import { NOW_MS, reportOf, UP } from '../../../support/in-process/tunnel-reports.ts';

const health = (status: TunnelStatus | null) => healthOf({ name: 'office', status }, NOW_MS);
const problems = (status: TunnelStatus) => problemsOf({ name: 'office', status }, NOW_MS);
const waiting = (kind: 'parked' | 'user' | 'backoff'): TunnelStatus => ({
  ...UP,
  state: {
    kind: 'waiting',
    sinceMs: NOW_MS,
    for:
      kind === 'user'
        ? { kind, why: 'refused' }
        : kind === 'backoff'
          ? { kind, retryAtMs: NOW_MS + 1_000 }
          : { kind },
  },
});
const NO_ROUTE = { cause: 'no-route', what: 'no route', remedy: 'add one' };
const failed = (
  cause: TunnelStatus['failures'][number]['cause'],
  ageMs: number,
  opened: number,
): TunnelStatus => ({
  ...UP,
  flows: { now: 0, held: 0, total: 9, opened },
  failures: [{ cause, count: 1, lastAtMs: NOW_MS - ageMs, lastDestination: null, advice: 'do this' }],
});

describe('how a tunnel is', () => {
  test.each([
    ['up', UP],
    ['up', waiting('parked')],
    ['connecting', null],
    ['connecting', { ...UP, state: { kind: 'connecting', sinceMs: NOW_MS } }],
    ['connecting', waiting('backoff')],
    ['needs-you', waiting('user')],
    ['needs-you', { ...UP, state: { kind: 'stopped', sinceMs: NOW_MS } }],
    ['works-badly', { ...UP, state: { kind: 'uncaptured', sinceMs: NOW_MS, cause: 'removed' } }],
    ['works-badly', { ...UP, captureProblems: [NO_ROUTE] }],
    ['works-badly', { ...waiting('parked'), captureProblems: [NO_ROUTE] }],
    ['works-badly', failed('refused', 1_000, 0)],
    ['up', failed('refused', 1_000, 5)],
    ['works-badly', failed('own-descriptors', 60_000, 5)],
    ['up', failed('own-descriptors', 3_600_000, 5)],
    ['works-badly', { ...UP, names: { inUse: 58, capacity: 58, refused: 3 } }],
    ['up', { ...UP, names: { inUse: 55, capacity: 58, refused: 0 } }],
  ] as ReadonlyArray<readonly [string, TunnelStatus | null]>)('%s: %j', (expected, status) => {
    expect(health(status)).toBe(expected);
  });

  test('of several the worst counts, and its place is the exit code', () => {
    expect(worstOf(['up', 'needs-you', 'connecting'])).toBe('needs-you');
    expect(worstOf([])).toBe('down');
    expect(HEALTHS.map((one, code) => `${code} ${one}`)).toEqual([
      '0 up',
      '1 connecting',
      '2 works-badly',
      '3 needs-you',
      '4 down',
    ]);
  });

  test('one that is idle and works badly is not called idle', () => {
    const status = waiting('parked');
    expect(wordFor({ status, health: health(status) })).toBe('idle');
    const bad = { ...status, captureProblems: [NO_ROUTE] } as TunnelStatus;
    expect(wordFor({ status: bad, health: health(bad) })).toBe('works badly');
  });

  test('whatever is not up has a problem with it, but for what only takes its time', () => {
    for (const status of [waiting('user'), failed('refused', 1, 0)]) {
      expect(problems(status)[0], JSON.stringify(status)).toMatchObject({ level: 'problem' });
    }
    expect(problems(UP)).toEqual([]);
    expect(problems(waiting('parked'))).toEqual([]);
  });
});

test.each([
  { code: 'ERR_HOST_KEY', does: "ssh-keygen -R 'gate'; then: tshuttle login office" },
  { code: 'ERR_CONFIG', does: "ssh-keygen -R 'gate'; then: tshuttle login office" },
  { code: 'ERR_BASTION_AUTH', does: "tshuttle login office; if it is refused again: ssh-keygen -R 'gate'" },
] as const)('after $code: do $does', ({ code, does }) => {
  const lastError = { code, message: 'no', remedy: "ssh-keygen -R 'gate'", atMs: NOW_MS };
  expect(problems({ ...waiting('user'), lastError })).toEqual([
    { kind: 'login', level: 'problem', what: 'no', remedy: does, lastAtMs: NOW_MS },
  ]);
});

test('rules that another program removed: told as a problem where they are gone, as a note where they are back', () => {
  const lastError = {
    code: 'ERR_RULES_REMOVED',
    message: 'iptables removed them',
    remedy: 'use nft',
    atMs: 5,
  } as const;
  const gone = { ...UP, lastError, state: { kind: 'uncaptured', sinceMs: 5, cause: 'removed' } } as const;
  expect(problems(gone as TunnelStatus)).toMatchObject([
    {
      kind: 'no-rules',
      level: 'problem',
      what: expect.stringMatching(/past the tunnel: iptables/),
      remedy: 'use nft',
    },
  ]);
  expect(problems({ ...UP, lastError })).toMatchObject([
    { kind: 'past-error', level: 'note', what: 'last error: iptables removed them', remedy: 'use nft' },
  ]);
});

describe('what two tunnels capture', () => {
  const office = reportOf('office', UP, '10.0.0.0/8');
  test('belongs to the one that was started last', () => {
    expect(sharedBy([office, reportOf('home', UP, '10.1.0.0/16')])).toEqual([
      { what: '10.1.0.0/16', loser: 'office', winner: 'home' },
    ]);
    expect(sharedBy([reportOf('home', UP, '10.1.0.0/16'), office])).toEqual([
      { what: '10.1.0.0/16', loser: 'home', winner: 'office' },
    ]);
  });

  test('is nothing where one excludes it, or each is for programs of its own', () => {
    const home = reportOf('home', UP, '10.1.0.0/16');
    expect(sharedBy([reportOf('office', UP, '10.0.0.0/8', '-10.1.0.0/16'), home])).toEqual([]);
    const [alice, bob] = ['user alice', 'user bob'];
    expect(
      sharedBy([
        { ...office, programs: alice },
        { ...home, programs: bob },
      ]),
    ).toEqual([]);
    expect(sharedBy([{ ...office, programs: alice }, home])).toHaveLength(1);
  });

  test('may be names', () => {
    const names = {
      everything: false,
      resolvers: [],
      resolve: 'auto',
      hosts: [],
      syntheticRanges: [],
    } as const;
    const inZone = (name: string) => ({
      ...reportOf(name, UP),
      names: { ...names, zones: ['internal.example'] },
    });
    expect(sharedBy([inZone('a'), inZone('b')])).toEqual([
      { what: 'internal.example', loser: 'a', winner: 'b' },
    ]);
  });
});

import { expect, test } from 'vitest';
import type { EventSink, TunnelEvent } from '../../../../src/app/events/tunnel-event.ts';
import { TunnelEvents } from '../../../../src/app/events/tunnel-events.ts';
import { problemsOf } from '../../../../src/app/running-tunnels/health.ts';
import { TshuttleError } from '../../../../src/core/errors.ts';
import type { TunnelStatus } from '../../../../src/tunnel/status/status.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NOW_MS, UP } from '../../../support/in-process/tunnel-reports.ts';

const LOST_ERROR = {
  code: 'ERR_BASTION_LOST',
  message: 'lost the bastion',
  remedy: null,
  atMs: NOW_MS,
} as const;
const LOST: TunnelStatus = {
  ...UP,
  state: { kind: 'waiting', sinceMs: NOW_MS + 5, for: { kind: 'backoff', retryAtMs: NOW_MS + 200 } },
  lostSinceMs: NOW_MS,
  lastError: LOST_ERROR,
};
const WOULD_ASK: TunnelStatus = {
  ...LOST,
  state: { kind: 'waiting', sinceMs: NOW_MS + 9, for: { kind: 'user', why: 'would ask' } },
};

function scene({ isWatched = false, fails = false, isBestEffort = false } = {}) {
  const told: TunnelEvent[] = [];
  const sink = {
    name: '--on-event',
    intervalMs: 0,
    isBestEffort,
    remedy: 'try it',
    takes: () => true,
    fails,
    deliver: async (event: TunnelEvent) => {
      told.push(event);
      if (sink.fails) throw new Error('it ended with 3');
    },
  } satisfies EventSink & { fails: boolean };
  const logger = recordingLogger();
  const events = new TunnelEvents({ name: 'office', isWatched }, [sink], logger);
  let status = UP;
  let listener = (): void => {};
  const follow = (): void =>
    events.follow({
      readyLine: 'capturing 10.0.0.0/8 through me@gate, by nft',
      status: () => status,
      onChange: (one) => {
        listener = one;
        return () => {};
      },
    });
  const become = async (next: TunnelStatus): Promise<void> => {
    status = next;
    listener();
    await settled();
  };
  return { events, told, logger, follow, become, sink };
}

/** What is told is told by promises alone, as the sink has no interval. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('each event says what status says, since when, and what to do', async () => {
  const { events, told, follow, become } = scene();
  follow();
  await settled();
  await become(LOST);
  await become({ ...LOST, state: { kind: 'connecting', sinceMs: NOW_MS + 6 } });
  await become(WOULD_ASK);
  await become(UP);
  await events.end();
  expect(told.map(({ kind, message, remedy }) => [kind, message, remedy])).toEqual([
    ['up', 'capturing 10.0.0.0/8 through me@gate, by nft', null],
    ['lost', 'lost the bastion', null],
    ['needs-login', expect.stringContaining('asks for something at each login'), 'tshuttle login office'],
    ['back', expect.stringMatching(/^works again, after -?\d+ s$/), null],
    ['down', 'stopped as asked', null],
  ]);
  expect(told.map(({ sinceMs }) => sinceMs).slice(0, 3)).toEqual([UP.state.sinceMs, NOW_MS, NOW_MS + 9]);
  expect(new Set(told.map(({ bastion }) => bastion))).toEqual(new Set([UP.bastion]));
});

test('a question is an event while the bastion is away, once, and none before the tunnel is up', async () => {
  const { events, told, follow, become } = scene();
  const asked: string[] = [];
  const prompter = events.watching({
    available: true,
    mayAskAgain: true,
    ask: async (question) => {
      asked.push(question);
      return 'answer';
    },
    show: (text) => void asked.push(text),
  });
  await prompter.ask('Password:', { echo: false });
  follow();
  await become(LOST);
  await prompter.ask('(me@gate) Verification\u001b[1m code: ', { echo: false });
  expect(await prompter.ask('and again: ', { echo: false })).toBe('answer');
  await settled();
  expect(told.map(({ kind }) => kind)).toEqual(['up', 'lost', 'needs-login']);
  expect(told.at(-1)!.message).toBe('the bastion asks: (me@gate) Verification[1m code:');
  await become(UP);
  expect(told.at(-1)!.kind).toBe('back');
  prompter.show('a banner');
  expect(asked).toHaveLength(4);
});

const REFUSED = new TshuttleError('ERR_BASTION_AUTH', 'refused the login', { remedy: 'another key' });
const UNREACHABLE = new TshuttleError('ERR_BASTION_UNREACHABLE', 'cannot be reached');

test.each([
  ['a tunnel that was up', true, false, UNREACHABLE, ['given-up']],
  ['a start that the bastion refused', false, false, REFUSED, ['given-up']],
  ['the same on a terminal, which has it', false, true, REFUSED, []],
  ['a start that is tried again', false, false, UNREACHABLE, []],
  ['a start that was stopped', false, false, undefined, []],
] as const)('the end of %s', async (_what, wasUp, isWatched, failure, expected) => {
  const { events, told, follow } = scene({ isWatched });
  if (wasUp) follow();
  await settled();
  await events.end(failure);
  expect(told.slice(wasUp ? 1 : 0).map(({ kind }) => kind)).toEqual(expected);
});

test('the end by several failures has the words of the first', async () => {
  const { events, told, follow } = scene();
  follow();
  await settled();
  await events.end(new AggregateError([REFUSED, new Error('another')], 'all of it'));
  expect(told.at(-1)).toMatchObject({ message: 'refused the login', remedy: 'another key' });
});

test('a sink that does not work is told in the log, and by status until it works', async () => {
  const { events, logger, follow, become, sink } = scene({ fails: true });
  follow();
  await settled();
  const what = '--on-event: up was not told: it ended with 3';
  expect(logger.lines).toEqual([`warn ${what} -> try it`]);
  const eventProblems = events.problems;
  expect(problemsOf({ name: 'office', status: UP, eventProblems }, NOW_MS)).toEqual([
    { kind: 'events', level: 'note', what, remedy: 'try it', lastAtMs: expect.any(Number) },
  ]);
  sink.fails = false;
  await become(LOST);
  expect(events.problems).toEqual([]);
});

test('one that is best effort is not', async () => {
  const { events, logger, follow } = scene({ fails: true, isBestEffort: true });
  follow();
  await settled();
  expect(events.problems).toEqual([]);
  expect(logger.lines.join()).toMatch(/^debug /);
});

import { expect, test } from 'vitest';
import { eventBetween, type Situation, situationOf } from '../../../../src/app/events/situation.ts';
import type { TunnelState, WaitReason } from '../../../../src/tunnel/status/state.ts';

const waiting = (reason: WaitReason): TunnelState => ({ kind: 'waiting', sinceMs: 1, for: reason });
const STATES = {
  up: { kind: 'up', sinceMs: 1 },
  connecting: { kind: 'connecting', sinceMs: 1 },
  'rules gone': { kind: 'uncaptured', sinceMs: 1, cause: 'removed' },
  backoff: waiting({ kind: 'backoff', retryAtMs: 2 }),
  idle: waiting({ kind: 'parked' }),
  'would ask': waiting({ kind: 'user', why: 'would ask' }),
  refused: waiting({ kind: 'user', why: 'refused' }),
  stopped: { kind: 'stopped', sinceMs: 1 },
} as const satisfies Record<string, TunnelState>;

/** What is told while a tunnel goes through these states; an exclamation mark: the bastion cannot be reached. */
function told(...steps: readonly string[]): readonly string[] {
  let before: Situation | undefined;
  return steps.flatMap((step) => {
    const state = STATES[step.replace('!', '') as keyof typeof STATES];
    const now = situationOf({ state, lostSinceMs: step.endsWith('!') ? 1 : null }, before);
    const event = eventBetween(before, now);
    before = now;
    return event ?? [];
  });
}

test.each([
  [
    'a bastion that is lost, and back after three attempts',
    ['up', 'backoff!', 'connecting!', 'backoff!', 'connecting!', 'up'],
    ['up', 'lost', 'back'],
  ],
  [
    'a bastion that hangs up when idle, and is connected again by the next flow',
    ['up', 'idle', 'backoff', 'connecting', 'up', 'idle', 'connecting', 'up'],
    ['up'],
  ],
  [
    'the same, which then cannot be reached',
    ['up', 'idle', 'connecting', 'backoff!', 'connecting!', 'up'],
    ['up', 'lost', 'back'],
  ],
  ['a login that would ask', ['up', 'would ask!', 'connecting!', 'up'], ['up', 'needs-login', 'back']],
  [
    'an idle bastion whose next login would ask',
    ['up', 'idle', 'would ask', 'connecting', 'up'],
    ['up', 'needs-login', 'back'],
  ],
  [
    'a login that is refused, twice',
    ['up', 'backoff!', 'connecting!', 'refused!', 'connecting!', 'refused!'],
    ['up', 'lost', 'needs-login'],
  ],
  [
    'a login that does not get there',
    ['up', 'refused!', 'connecting!', 'backoff!', 'connecting!', 'up'],
    ['up', 'needs-login', 'lost', 'back'],
  ],
  [
    'rules that another program removes, and that are put back',
    ['up', 'rules gone', 'up'],
    ['up', 'lost', 'back'],
  ],
  ['the end', ['up', 'stopped'], ['up']],
  ['the end while it is lost', ['up', 'backoff!', 'stopped'], ['up', 'lost']],
  ['one that is lost before the first look', ['connecting!', 'up'], ['lost', 'back']],
] as const)('%s', (_what, steps, expected) => {
  expect(told(...steps)).toEqual(expected);
});

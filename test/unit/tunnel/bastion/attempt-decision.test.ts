import { describe, expect, test } from 'vitest';
import { TshuttleError } from '../../../../src/core/errors.ts';
import { LoginCutOff } from '../../../../src/ssh/login/login-cut-off.ts';
import { afterFailure, nextAttemptDelayMs } from '../../../../src/tunnel/bastion/attempt-decision.ts';

/** When attempts begin, in ms after the loss, where each takes so long. */
function beginnings(attemptMs: number, count: number): number[] {
  const begun: number[] = [];
  let [nowMs, lastEventMs] = [0, 0];
  for (let failures = 0; failures < count; failures += 1) {
    nowMs += nextAttemptDelayMs({ failures, isWanted: true, elapsedMs: nowMs - lastEventMs, random: 0.5 });
    begun.push(nowMs);
    lastEventMs = nowMs;
    nowMs += attemptMs;
  }
  return begun;
}

describe('while something waits', () => {
  test('attempts begin 0.2, 0.5 and 1 s after the loss, then every 2 s', () => {
    expect(beginnings(0, 6)).toEqual([200, 500, 1_000, 3_000, 5_000, 7_000]);
    expect(beginnings(50, 5)).toEqual([200, 500, 1_000, 3_000, 5_000]);
  });

  test('an attempt that takes 3 s is followed by the next at once', () => {
    expect(beginnings(3_000, 4)).toEqual([200, 3_200, 6_200, 9_200]);
  });
});

test('while nothing waits, attempts become rare, up to 30 s, and never at the same time for all', () => {
  const delays = (random: number): number[] =>
    [0, 1, 2, 3, 4, 5, 6, 60, 6_000].map((failures) =>
      nextAttemptDelayMs({ failures, isWanted: false, elapsedMs: 0, random }),
    );
  expect(delays(1)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(delays(0)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
});

describe('what a failure asks for', () => {
  test.each([
    ['ERR_BASTION_UNREACHABLE', 'try again'],
    ['ERR_BASTION_LOST', 'try again'],
    ['ERR_INTERCEPT_APPLY', 'try again'],
    ['ERR_BASTION_AUTH', 'wait for the user'],
    ['ERR_HOST_KEY', 'wait for the user'],
    ['ERR_CONFIG', 'wait for the user'],
  ] as const)('%s: %s', (code, after) => {
    expect(afterFailure(new TshuttleError(code, 'x'), 0)).toBe(after);
  });

  test('logins that break off without a word are bounded', () => {
    const cutOff = new TshuttleError('ERR_BASTION_UNREACHABLE', 'x', { cause: new LoginCutOff('x') });
    expect([0, 1, 2, 3, 4].map((before) => afterFailure(cutOff, before))).toEqual([
      ...Array<string>(4).fill('try again'),
      'wait for the user',
    ]);
  });
});

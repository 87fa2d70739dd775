import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { deferred } from '../../../../../src/core/deferred.ts';
import { HandshakeClock, pausingPrompter } from '../../../../../src/ssh/ssh2/connection/handshake-clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('HandshakeClock', () => {
  test('expires when its time is over', async () => {
    const expired = vi.fn();
    new HandshakeClock(1000, expired);
    await vi.advanceTimersByTimeAsync(999);
    expect(expired).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(expired).toHaveBeenCalledOnce();
  });

  test('stands still while something is waited for, also when the waits overlap', async () => {
    const expired = vi.fn();
    const clock = new HandshakeClock(1000, expired);
    await vi.advanceTimersByTimeAsync(600);
    const first = deferred<string>();
    const second = deferred<string>();
    const waits = [clock.pausedWhile(first.promise), clock.pausedWhile(second.promise)];
    await vi.advanceTimersByTimeAsync(60_000);
    first.resolve('one');
    await vi.advanceTimersByTimeAsync(60_000);
    second.reject(new Error('two'));
    expect(await Promise.allSettled(waits)).toMatchObject([{ value: 'one' }, { status: 'rejected' }]);
    await vi.advanceTimersByTimeAsync(399);
    expect(expired).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(expired).toHaveBeenCalledOnce();
  });

  test('does not start again when it was stopped during a wait', async () => {
    const expired = vi.fn();
    const clock = new HandshakeClock(1000, expired);
    const answer = deferred<void>();
    const wait = clock.pausedWhile(answer.promise);
    clock.stop();
    answer.resolve();
    await wait;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(expired).not.toHaveBeenCalled();
  });
});

test('a question ends with the signal', async () => {
  const aborter = new AbortController();
  const clock = new HandshakeClock(1000, () => {});
  const user = {
    available: true,
    mayAskAgain: true,
    ask: () => new Promise<string>(() => {}),
    show: () => {},
  };
  const answer = pausingPrompter(user, clock, aborter.signal, 'ask').ask('?', { echo: true });
  aborter.abort(new Error('stopped'));
  await expect(answer).rejects.toThrow('stopped');
  clock.stop();
});

test('BatchMode leaves nobody to ask', () => {
  const clock = new HandshakeClock(1000, () => {});
  const user = { available: true, mayAskAgain: true, ask: async () => 'yes', show: () => {} };
  expect(pausingPrompter(user, clock, new AbortController().signal, 'never').available).toBe(false);
  clock.stop();
});

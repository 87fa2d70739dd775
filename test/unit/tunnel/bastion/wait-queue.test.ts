import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WaitQueue } from '../../../../src/tunnel/bastion/wait-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('what waits is bounded in number', async () => {
  const held = new WaitQueue({ count: 2, timeMs: 1_000 }, () => {});
  const waiting = [1, 2, 3].map(() => held.wait(performance.now()));
  expect(await waiting[2]).toBe('full');
  held.endAll('released');
  expect(await Promise.all(waiting)).toEqual(['released', 'released', 'full']);
  expect(held.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('what waits is bounded in time, also when it waits once more', async () => {
  const held = new WaitQueue({ count: 2, timeMs: 1_000 }, () => {});
  const sinceMs = performance.now();
  const first = held.wait(sinceMs);
  await vi.advanceTimersByTimeAsync(600);
  held.endAll('released');
  expect(await first).toBe('released');
  const again = held.wait(sinceMs);
  await vi.advanceTimersByTimeAsync(400);
  expect(await again).toBe('expired');
  expect(await held.wait(sinceMs)).toBe('expired');
  expect(held.size).toBe(0);
});

test('whoever gives up waits no more', async () => {
  const held = new WaitQueue({ count: 2, timeMs: 1_000 }, () => {});
  const givesUp = new AbortController();
  const waiting = held.wait(performance.now(), givesUp.signal);
  givesUp.abort();
  expect(await waiting).toBe('cancelled');
  expect(await held.wait(performance.now(), givesUp.signal)).toBe('cancelled');
  expect(vi.getTimerCount()).toBe(0);
});

test('the first to wait is told of, not those behind it', async () => {
  const onFirst = vi.fn();
  const held = new WaitQueue({ count: 9, timeMs: 1_000 }, onFirst);
  void held.wait(performance.now());
  void held.wait(performance.now());
  expect(onFirst).toHaveBeenCalledTimes(1);
  held.endAll('released');
  void held.wait(performance.now());
  expect(onFirst).toHaveBeenCalledTimes(2);
  held.endAll('released');
});

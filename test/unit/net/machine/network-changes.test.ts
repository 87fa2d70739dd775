import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type NetworkChange, NetworkWatch } from '../../../../src/net/machine/network-changes.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function scene() {
  const seen: NetworkChange[] = [];
  const view = { changes: 0, sleptMs: 0, isClosed: false };
  const watch = new NetworkWatch((change) => seen.push(change), {
    nowMs: () => Date.now() + view.sleptMs,
    tellOfChange: () => {
      const hasChanged = view.changes > 0;
      view.changes = Math.max(0, view.changes - 1);
      return hasChanged;
    },
    close: () => {
      view.isClosed = true;
    },
  });
  return { seen, view, watch };
}

test('a change in several parts is one, told of when it is over', async () => {
  const { seen, view, watch } = scene();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(seen).toEqual([]);
  view.changes = 2;
  await vi.advanceTimersByTimeAsync(500);
  expect(seen).toEqual([]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(seen).toEqual(['changed']);
  watch.stop();
});

test('what changes all the time is told of all the same, once a second', async () => {
  const { seen, view, watch } = scene();
  view.changes = 1_000;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(seen).toHaveLength(10);
  watch.stop();
});

test('a clock that went on without us: a sleep, once; a busy machine is none', async () => {
  const { seen, view, watch } = scene();
  await vi.advanceTimersByTimeAsync(1_000);
  view.sleptMs += 2_000;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen).toEqual([]);
  view.sleptMs += 60_000;
  await vi.advanceTimersByTimeAsync(250);
  expect(seen).toEqual(['slept']);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(seen).toEqual(['slept']);
  watch.stop();
});

test('stopping ends the timer and closes the view', () => {
  const { view, watch } = scene();
  watch.stop();
  expect(view.isClosed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

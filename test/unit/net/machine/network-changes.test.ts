import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type NetworkChange, NetworkWatch } from '../../../../src/net/machine/network-changes.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A machine whose changes are told of, or must be looked for. */
function scene(how: 'told' | 'looked for' = 'told') {
  const seen: NetworkChange[] = [];
  let onNews: (() => void) | undefined;
  let changes = 0;
  const view = { sleptMs: 0, looks: 0, isClosed: false };
  const listen = (callback: () => void) => {
    onNews = callback;
    if (changes > 0) tell();
  };
  const tell = () => {
    const callback = onNews;
    onNews = undefined;
    callback?.();
  };
  const watch = new NetworkWatch((change) => seen.push(change), {
    nowMs: () => Date.now() + view.sleptMs,
    listen: how === 'told' ? listen : undefined,
    hasChanged: () => {
      view.looks += 1;
      const hasChanged = changes > 0;
      changes = Math.max(0, changes - 1);
      return hasChanged;
    },
    close: () => {
      view.isClosed = true;
    },
  });
  /** In so many parts, each of which is there when it is looked for. */
  const change = (parts: number) => {
    changes = parts;
    tell();
  };
  return { seen, view, watch, change };
}

describe.each(['told', 'looked for'] as const)('changes that are %s', (how) => {
  test('a change in several parts is one, told of when it is over', async () => {
    const { seen, watch, change } = scene(how);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen).toEqual([]);
    change(2);
    await vi.advanceTimersByTimeAsync(how === 'told' ? 500 : 2_250);
    expect(seen).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen).toEqual(['changed']);
    change(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen).toEqual(['changed', 'changed']);
    watch.stop();
  });

  test('what changes all the time is told of all the same, once a second', async () => {
    const { seen, watch, change } = scene(how);
    change(1_000);
    await vi.advanceTimersByTimeAsync(how === 'told' ? 10_000 : 11_750);
    expect(seen).toHaveLength(10);
    watch.stop();
  });

  test('stopping in the middle of a change ends the timers and closes the view', async () => {
    const { seen, view, watch, change } = scene(how);
    change(1_000);
    await vi.advanceTimersByTimeAsync(2_250);
    const before = seen.length;
    watch.stop();
    expect(view.isClosed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen).toHaveLength(before);
  });
});

test('while nothing changes nothing looks for changes that are told', async () => {
  const { view, watch } = scene();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(view.looks).toBe(0);
  watch.stop();
});

test('a clock that went on without us: a sleep, once; a busy machine is none', async () => {
  const { seen, view, watch } = scene();
  await vi.advanceTimersByTimeAsync(1_000);
  view.sleptMs += 2_000;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(seen).toEqual([]);
  view.sleptMs += 60_000;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(seen).toEqual(['slept']);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(seen).toEqual(['slept']);
  watch.stop();
});

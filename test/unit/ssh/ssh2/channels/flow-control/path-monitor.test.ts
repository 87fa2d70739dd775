import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  PathMonitor,
  type PathRound,
} from '../../../../../../src/ssh/ssh2/channels/flow-control/path-monitor.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A path whose answers take `roundTripMs`. */
function lab() {
  const path = { roundTripMs: 40, disorder: 0 };
  const rounds: PathRound[] = [];
  const marks: number[] = [];
  let pings = 0;
  const monitor = new PathMonitor(
    {
      nowMs: () => performance.now(),
      ping: (onReply) => {
        pings += 1;
        setTimeout(onReply, path.roundTripMs);
      },
      tcpPath: () => ({ roundTripMs: path.roundTripMs, disorder: path.disorder }),
    },
    {
      onPing: () => pings,
      onReply: (mark) => marks.push(mark),
      onRound: (round) => rounds.push(round),
    },
  );
  /** Data moves every millisecond. */
  const moveFor = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1) {
      monitor.activity();
      vi.advanceTimersByTime(1);
    }
  };
  return { path, rounds, marks, monitor, moveFor, pings: () => pings };
}

test('measures about four times a round trip while data moves, and reports once a round trip', () => {
  const { rounds, moveFor, pings } = lab();
  moveFor(2_000);
  expect(pings()).toBeGreaterThan(2_000 / 14);
  expect(pings()).toBeLessThanOrEqual(2_000 / 10);
  expect(rounds.length).toBeGreaterThan(35);
  expect(rounds.length).toBeLessThanOrEqual(50);
  expect(rounds.at(-1)).toMatchObject({ baseRoundTripMs: 40, roundTripMs: 40, isLossy: false });
});

test('is silent when nothing moves any more', () => {
  const { moveFor, pings } = lab();
  moveFor(100);
  vi.advanceTimersByTime(1_000);
  const before = pings();
  vi.advanceTimersByTime(60_000);
  expect(pings()).toBe(before);
  expect(vi.getTimerCount()).toBe(0);
});

test('a queue shows in the round trip and not in the base', () => {
  const { path, rounds, moveFor } = lab();
  moveFor(500);
  path.roundTripMs = 200;
  moveFor(1_000);
  expect(rounds.at(-1)).toMatchObject({ baseRoundTripMs: 40, roundTripMs: 200 });
});

test('a path that has become longer is the base after two minutes', () => {
  const { path, rounds, moveFor } = lab();
  moveFor(500);
  path.roundTripMs = 100;
  moveFor(121_000);
  expect(rounds.at(-1)).toMatchObject({ baseRoundTripMs: 100 });
});

test('loss is remembered for three round trips', () => {
  const { path, rounds, moveFor } = lab();
  moveFor(500);
  path.disorder += 1;
  moveFor(100);
  expect(rounds.at(-1)?.isLossy).toBe(true);
  moveFor(500);
  expect(rounds.at(-1)?.isLossy).toBe(false);
});

test('what waits for an answer gets one at once, however short the path', () => {
  const { path, monitor, marks, pings } = lab();
  path.roundTripMs = 0.1;
  monitor.expectSoon();
  expect(pings()).toBe(1);
  vi.advanceTimersByTime(1);
  monitor.expectSoon();
  expect(pings()).toBe(2);
  expect(marks).toEqual([0]);
});

test('whoever waits for any answer has one on its way, also when nothing moves', () => {
  const { path, monitor, marks, pings } = lab();
  path.roundTripMs = 20;
  monitor.expectAny();
  monitor.expectAny();
  expect(pings()).toBe(1);
  vi.advanceTimersByTime(20);
  expect(marks).toEqual([0]);
  monitor.expectAny();
  expect(pings()).toBe(2);
});

test('a path that does not answer is not flooded', () => {
  const { path, moveFor, pings } = lab();
  path.roundTripMs = 1_000_000;
  moveFor(10_000);
  expect(pings()).toBe(40);
});

import { describe, expect, test } from 'vitest';
import { WindowRule } from '../../../../../../src/ssh/ssh2/channels/flow-control/window-rule.ts';

/** What programs may take beside the path. */
const PROGRAM_MS = 1;

const DOWN = {
  queueShare: 0.2,
  slackBytes: 8 * 1024,
  initialBytes: 256 * 1024,
  minBytes: 96 * 1024,
  boundAtStart: 2,
};

interface Path {
  readonly rateBytesPerMs: number;
  readonly baseRoundTripMs: number;
}

/** A link that queues what it cannot send: with W bytes under way a round trip takes W / rate, at least the base. */
function round(path: Path, windowBytes: number) {
  const roundTripMs = Math.max(path.baseRoundTripMs, windowBytes / path.rateBytesPerMs);
  return {
    roundTripMs,
    averageRoundTripMs: roundTripMs,
    baseRoundTripMs: path.baseRoundTripMs,
    tcpRoundTripMs: undefined as number | undefined,
    isLossy: false,
    rateBytesPerMs: windowBytes / roundTripMs,
  };
}

function limited(rule: WindowRule, { rateBytesPerMs, ...shown }: ReturnType<typeof round>): void {
  rule.onLimitedRound(shown, rateBytesPerMs);
}

const LINKS: Record<string, Path> = {
  'A: 20 Mbit/s, 40 ms': { rateBytesPerMs: 2_500, baseRoundTripMs: 40 },
  'B: 100 Mbit/s, 100 ms': { rateBytesPerMs: 12_500, baseRoundTripMs: 100 },
  'C: 1 Gbit/s, 20 ms': { rateBytesPerMs: 125_000, baseRoundTripMs: 20 },
  'loopback: 5 Gbit/s, 0.2 ms': { rateBytesPerMs: 625_000, baseRoundTripMs: 0.2 },
};

describe.each(Object.entries(LINKS))('on link %s', (_name, path) => {
  const ruleAfter = (rounds: number) => {
    const rule = new WindowRule(DOWN);
    for (let passed = 0; passed < rounds; passed += 1) limited(rule, round(path, rule.bytes));
    return rule;
  };

  test('fills the path, and queues no more than a fifth of a round trip and the slack', () => {
    const { roundTripMs, rateBytesPerMs } = round(path, ruleAfter(60).bytes);
    expect(rateBytesPerMs).toBeGreaterThan(0.99 * path.rateBytesPerMs);
    const slackMs = Math.max(2, DOWN.slackBytes / path.rateBytesPerMs);
    const minWindowMs = (96 * 1024) / path.rateBytesPerMs;
    expect(roundTripMs).toBeLessThanOrEqual(
      Math.max(minWindowMs, path.baseRoundTripMs * 1.2 + slackMs + 0.5),
    );
  });

  test('is there within a dozen round trips', () => {
    const { rateBytesPerMs } = round(path, ruleAfter(12).bytes);
    expect(rateBytesPerMs).toBeGreaterThan(0.95 * path.rateBytesPerMs);
  });
});

test('shrinks when the path becomes slower', () => {
  const rule = new WindowRule(DOWN);
  const fast = { rateBytesPerMs: 12_500, baseRoundTripMs: 100 };
  const slow = { rateBytesPerMs: 2_500, baseRoundTripMs: 100 };
  for (let rounds = 0; rounds < 40; rounds += 1) limited(rule, round(fast, rule.bytes));
  for (let rounds = 0; rounds < 10; rounds += 1) limited(rule, round(slow, rule.bytes));
  expect(round(slow, rule.bytes).roundTripMs).toBeLessThan(130);
});

test('grows again when the path becomes faster', () => {
  const rule = new WindowRule(DOWN);
  const slow = { rateBytesPerMs: 2_500, baseRoundTripMs: 100 };
  const fast = { rateBytesPerMs: 12_500, baseRoundTripMs: 100 };
  for (let rounds = 0; rounds < 40; rounds += 1) limited(rule, round(slow, rule.bytes));
  for (let rounds = 0; rounds < 40; rounds += 1) limited(rule, round(fast, rule.bytes));
  expect(round(fast, rule.bytes).rateBytesPerMs).toBeGreaterThan(12_400);
});

test('after a loss it trusts the round trip of TCP, which does not count what waits behind the hole', () => {
  const path = { rateBytesPerMs: 12_500, baseRoundTripMs: 100 };
  const rule = new WindowRule(DOWN);
  for (let rounds = 0; rounds < 40; rounds += 1) limited(rule, round(path, rule.bytes));
  const before = rule.bytes;
  limited(rule, { ...round(path, before), roundTripMs: 400, tcpRoundTripMs: 105, isLossy: true });
  expect(rule.bytes).toBeGreaterThan(0.95 * before);
});

test('it is the average round trip that may hold so much queue, not the shortest of a round', () => {
  const path = { rateBytesPerMs: 12_500, baseRoundTripMs: 100 };
  const rule = new WindowRule(DOWN);
  // The queue comes and goes: each round has a moment without any.
  const swinging = (bytes: number) => {
    const { roundTripMs, ...shown } = round(path, bytes);
    return { ...shown, tcpRoundTripMs: roundTripMs, roundTripMs: path.baseRoundTripMs };
  };
  for (let rounds = 0; rounds < 60; rounds += 1) limited(rule, swinging(rule.bytes));
  expect(round(path, rule.bytes).averageRoundTripMs).toBeLessThan(123);
});

test('the start does not overflow a queue of a round trip', () => {
  const path = { rateBytesPerMs: 12_500, baseRoundTripMs: 100 };
  const rule = new WindowRule(DOWN);
  let beforeBytes = rule.bytes;
  let mostBytes = 0;
  for (let rounds = 0; rounds < 20; rounds += 1) {
    // A round shows what the window before it has brought.
    const shown = round(path, beforeBytes);
    beforeBytes = rule.bytes;
    limited(rule, shown);
    mostBytes = Math.max(mostBytes, rule.bytes);
  }
  expect(mostBytes).toBeGreaterThan(path.rateBytesPerMs * path.baseRoundTripMs);
  expect(mostBytes).toBeLessThanOrEqual(2 * path.rateBytesPerMs * (path.baseRoundTripMs + PROGRAM_MS));
});

test('where it is the queue that loses packets, the round trip of TCP shows it, and the window shrinks', () => {
  const path = { rateBytesPerMs: 12_500, baseRoundTripMs: 100 };
  const rule = new WindowRule(DOWN);
  // Six times what the path needs, as while random losses are made up for; the shortest request met no queue.
  const overflowing = { ...round(path, 7_500_000), roundTripMs: 103, tcpRoundTripMs: 175, isLossy: true };
  for (let rounds = 0; rounds < 10; rounds += 1) limited(rule, overflowing);
  expect(rule.bytes).toBeLessThan(1.2 * path.rateBytesPerMs * path.baseRoundTripMs);
});

test('while packets are lost it fills the path in a few rounds, although data waits a second round trip behind holes', () => {
  const path = { rateBytesPerMs: 12_500, baseRoundTripMs: 100 };
  const rule = new WindowRule(DOWN);
  const lossy = (bytes: number) => ({
    roundTripMs: 200,
    averageRoundTripMs: 200,
    baseRoundTripMs: path.baseRoundTripMs,
    tcpRoundTripMs: 105,
    isLossy: true,
    rateBytesPerMs: Math.min(path.rateBytesPerMs, bytes / 200),
  });
  for (let rounds = 0; rounds < 4; rounds += 1) limited(rule, lossy(rule.bytes));
  expect(rule.bytes).toBeGreaterThan(path.rateBytesPerMs * 200);
  for (let rounds = 0; rounds < 40; rounds += 1) limited(rule, lossy(rule.bytes));
  expect(rule.bytes).toBeLessThanOrEqual(6 * path.rateBytesPerMs * (path.baseRoundTripMs + PROGRAM_MS));
});

test('where the path takes next to nothing, what the programs take keeps both of them busy', () => {
  const path = { rateBytesPerMs: 1_250_000, baseRoundTripMs: 0.1 };
  const rule = new WindowRule(DOWN);
  for (let rounds = 0; rounds < 60; rounds += 1) limited(rule, round(path, rule.bytes));
  expect(rule.bytes).toBeGreaterThan(path.rateBytesPerMs * (path.baseRoundTripMs + PROGRAM_MS));
  expect(round(path, rule.bytes).roundTripMs).toBeLessThan(3);
});

test('never exceeds 32 MiB', () => {
  const path = { rateBytesPerMs: 10_000_000, baseRoundTripMs: 200 };
  const rule = new WindowRule(DOWN);
  for (let rounds = 0; rounds < 60; rounds += 1) limited(rule, round(path, rule.bytes));
  expect(rule.bytes).toBe(32 * 1024 * 1024);
});

describe('a start that the window does not limit', () => {
  const UP = { ...DOWN, queueShare: 0.5, initialBytes: 1024 * 1024, minBytes: 64 * 1024, boundAtStart: 4 };
  const slow = { rateBytesPerMs: 625, baseRoundTripMs: 40 };
  const shown = (underWayBytes: number) => {
    const { rateBytesPerMs, ...rest } = round(slow, underWayBytes);
    return [rest, rateBytesPerMs] as const;
  };

  test('is over when a queue shows, long before the window is full', () => {
    const rule = new WindowRule(UP);
    rule.onUnlimitedRound(...shown(100 * 1024));
    expect(rule.isStarting).toBe(false);
    expect(rule.bytes).toBe(UP.minBytes);
  });

  test('goes on while there is none, or only a little is under way', () => {
    const rule = new WindowRule(UP);
    rule.onUnlimitedRound(...shown(20 * 1024));
    rule.onUnlimitedRound({ ...shown(20 * 1024)[0], averageRoundTripMs: 90, roundTripMs: 90 }, 300);
    expect(rule.isStarting).toBe(true);
    expect(rule.bytes).toBe(UP.initialBytes);
  });

  test('a window that does not double any more is left alone', () => {
    const rule = new WindowRule(UP);
    rule.onUnlimitedRound(...shown(200 * 1024));
    const { bytes } = rule;
    rule.onUnlimitedRound(...shown(400 * 1024));
    expect(rule.bytes).toBe(bytes);
  });
});

import { expect, test } from 'vitest';
import { ReceiveBudget } from '../../../../../../src/ssh/ssh2/channels/flow-control/receive-budget.ts';
import { ReceiveWindow } from '../../../../../../src/ssh/ssh2/channels/flow-control/receive-window.ts';

const ROUND = {
  roundTripMs: 100,
  averageRoundTripMs: 100,
  baseRoundTripMs: 100,
  tcpRoundTripMs: undefined,
  isLossy: false,
  durationMs: 100,
};

const PACKET_BYTES = 32 * 1024;

/** Receives in packets and grants after each, as long as the sender may send; returns what arrived. */
function receiveAll(window: ReceiveWindow, mostBytes: number): number {
  let bytes = 0;
  while (bytes < mostBytes && window.received(PACKET_BYTES)) {
    bytes += PACKET_BYTES;
    window.grant(0);
  }
  return bytes;
}

test('a sender that goes beyond its window is told apart', () => {
  const window = new ReceiveWindow(new ReceiveBudget());
  expect(window.received(window.initialBytes)).toBe(true);
  expect(window.received(1)).toBe(false);
});

test('a stalled reader is granted nothing', () => {
  const window = new ReceiveWindow(new ReceiveBudget());
  window.received(window.initialBytes);
  expect(window.grant(window.initialBytes)).toBe(0);
});

test('what the application has taken is granted again', () => {
  const window = new ReceiveWindow(new ReceiveBudget());
  window.received(window.initialBytes);
  expect(window.grant(0)).toBeGreaterThan(0);
});

test('on a long path the window grows from round to round, to much more than 2 MiB', () => {
  const budget = new ReceiveBudget();
  const window = new ReceiveWindow(budget);
  for (let rounds = 0; rounds < 12; rounds += 1) {
    // The application takes all there is: what is under way is what the sender may send in a round trip.
    let arrived = 0;
    while (window.received(PACKET_BYTES)) arrived += PACKET_BYTES;
    budget.onRound(ROUND);
    window.grant(0);
    expect(arrived).toBeGreaterThan(0);
  }
  expect(budget.shareBytes()).toBeGreaterThan(8 * 1024 * 1024);
});

test('active channels share the budget; one that falls silent gives its share back', () => {
  const budget = new ReceiveBudget();
  const windows = [new ReceiveWindow(budget), new ReceiveWindow(budget)] as const;
  const alone = budget.shareBytes();
  for (const window of windows) receiveAll(window, 4 * PACKET_BYTES);
  expect(budget.shareBytes()).toBe(Math.max(PACKET_BYTES, alone / 2));
  for (let rounds = 0; rounds < 8; rounds += 1) {
    receiveAll(windows[0], 2 * PACKET_BYTES);
    budget.onRound({ ...ROUND, averageRoundTripMs: 0.01 });
  }
  expect(budget.shareBytes()).toBe(alone);
});

test('never has more under way than it said, whatever the order of events', () => {
  const budget = new ReceiveBudget();
  const window = new ReceiveWindow(budget);
  let available = window.initialBytes;
  for (let step = 0; step < 5_000; step += 1) {
    const bytes = (step * 7_919) % 32_769;
    expect(window.received(bytes)).toBe(bytes <= available);
    if (bytes <= available) available -= bytes;
    if (step % 3 === 0) available += window.grant((step * 31) % 100_000);
    if (step % 50 === 0) budget.onRound(ROUND);
  }
});

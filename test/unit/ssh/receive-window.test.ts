import { expect, test } from 'vitest';
import { RECEIVE_WINDOW_BYTES, ReceiveWindow } from '../../../src/ssh/ssh2/receive-window.ts';

test('takes one window and not a byte more until something is delivered', () => {
  const window = new ReceiveWindow();
  expect(window.received(RECEIVE_WINDOW_BYTES)).toBe(true);
  expect(window.received(1)).toBe(false);
});

test('grants what was delivered, in steps of half a window', () => {
  const window = new ReceiveWindow();
  window.received(RECEIVE_WINDOW_BYTES / 2 - 1);
  expect(window.delivered()).toBe(0);
  window.received(1);
  expect(window.delivered()).toBe(RECEIVE_WINDOW_BYTES / 2);
  expect(window.delivered()).toBe(0);
});

test('never has more under way than one window, whatever the order of events', () => {
  const window = new ReceiveWindow();
  let available = RECEIVE_WINDOW_BYTES;
  for (let step = 0; step < 2_000; step += 1) {
    const bytes = (step * 7_919) % 32_769;
    expect(window.received(bytes)).toBe(bytes <= available);
    if (bytes <= available) available -= bytes;
    if (step % 3 === 0) available += window.delivered();
    expect(available).toBeLessThanOrEqual(RECEIVE_WINDOW_BYTES);
  }
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deferred } from '../../../../src/core/deferred.ts';
import type { BastionList } from '../../../../src/tunnel/bastion/bastion-list.ts';
import type { Connections } from '../../../../src/tunnel/bastion/connections.ts';
import type { ReconnectingTransport } from '../../../../src/tunnel/bastion/reconnecting-transport.ts';
import { ReturnToFirst } from '../../../../src/tunnel/bastion/return-to-first.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A tunnel whose second bastion is in use, with so many flows. */
function tunnelAtSecond(flows: number) {
  const closed = vi.fn(() => Promise.resolve());
  const connections = { description: 'a', close: closed } as Partial<Connections> as Connections;
  const list = {
    used: 1,
    use: vi.fn(),
    connectToEarlier: vi.fn(() => Promise.resolve({ index: 0, connections })),
  };
  const state = { kind: 'up' };
  const replace = vi.fn(() => true);
  const transport = {
    isIdle: flows === 0,
    onIdle: undefined as (() => void) | undefined,
    life: { state, onChange: () => () => {}, replace },
  };
  const back = new ReturnToFirst(
    list as unknown as BastionList,
    transport as unknown as ReconnectingTransport,
    recordingLogger(),
  );
  return { list, transport, replace, closed, back };
}

test('an idle tunnel goes back after a quiet while, once', async () => {
  const { list, replace, back } = tunnelAtSecond(0);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(list.connectToEarlier).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(replace).toHaveBeenCalledOnce();
  expect(list.use).toHaveBeenCalledWith(0);
  await back.stop();
});

test('one that could not go back stays idle: it does not wake up again', async () => {
  const { list, back } = tunnelAtSecond(0);
  list.connectToEarlier.mockRejectedValue(new Error('no answer'));
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(list.connectToEarlier).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
  await back.stop();
});

test('while something flows nothing is tried, and what comes meanwhile stays where it is', async () => {
  const { list, transport, replace, closed, back } = tunnelAtSecond(1);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(list.connectToEarlier).not.toHaveBeenCalled();
  // The last flow ends, and another one comes before the first bastion has answered.
  transport.isIdle = true;
  transport.onIdle?.();
  transport.isIdle = false;
  await vi.advanceTimersByTimeAsync(0);
  expect(list.connectToEarlier).toHaveBeenCalledOnce();
  expect(closed).toHaveBeenCalledOnce();
  expect(replace).not.toHaveBeenCalled();
  await back.stop();
});

test('the end waits for what was opened on the way back, which is closed', async () => {
  const { list, transport, closed, back } = tunnelAtSecond(0);
  const connecting = deferred<Awaited<ReturnType<typeof list.connectToEarlier>>>();
  list.connectToEarlier.mockReturnValue(connecting.promise);
  await vi.advanceTimersByTimeAsync(60_000);
  let isStopped = false;
  const stopping = back.stop().then(() => {
    isStopped = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  expect(isStopped).toBe(false);
  // It had been connected before it heard of the end.
  transport.isIdle = false;
  const connections = { description: 'a', close: closed } as Partial<Connections> as Connections;
  connecting.resolve({ index: 0, connections });
  await stopping;
  expect(closed).toHaveBeenCalledOnce();
});

test('a tunnel that ends tries nothing any more', async () => {
  const { list, back } = tunnelAtSecond(0);
  await back.stop();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(list.connectToEarlier).not.toHaveBeenCalled();
});

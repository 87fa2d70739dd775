import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { waitUntilReached } from '../../../../src/app/keep-up/reach-probe.ts';
import { TshuttleError } from '../../../../src/core/errors.ts';
import type { Step } from '../../../../src/core/progress.ts';
import type { FlowEnd } from '../../../../src/ssh/transport.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const refused: FlowEnd = { kind: 'refused', reason: 'connect-failed', description: 'Connection refused' };

test('what is waited for is told with the reason and the time that is left', async () => {
  const steps: Step[] = [];
  let tries = 0;
  const tunnel = {
    open: async () => {
      tries += 1;
      if (tries > 2) return { destroy: () => {} } as unknown as Socket;
      throw new TshuttleError('ERR_CHANNEL_REFUSED', 'db:5432: refused', { cause: refused });
    },
  } as unknown as Parameters<typeof waitUntilReached>[0];
  const signal = new AbortController().signal;
  const reached = waitUntilReached(tunnel, { host: 'db', port: 5432 }, signal, (step) => {
    if (step !== undefined) steps.push(step);
  });
  const words = (): string => {
    const step = steps.at(-1)!;
    return typeof step === 'function' ? step() : String(step);
  };
  expect(words()).toBe('waiting for db:5432, 30 s left');
  await vi.advanceTimersByTimeAsync(0);
  expect(words()).toBe('waiting for db:5432: refused, 30 s left');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(words()).toBe('waiting for db:5432: refused, 29 s left');
  await vi.advanceTimersByTimeAsync(1_000);
  await reached;
  expect(tries).toBe(3);
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TshuttleError } from '../../../../../src/core/errors.ts';
import { ConnectionGrowth, type OpenAnother } from '../../../../../src/ssh/ssh2/pool/connection-growth.ts';
import { recordingLogger } from '../../../../support/in-process/recording-logger.ts';

const FIRST = 'user@bastion';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

type Opened = Awaited<ReturnType<Extract<OpenAnother, (signal: AbortSignal) => unknown>>>;

function fakeTransport(): Opened & { readonly closed: () => boolean } {
  let isClosed = false;
  const close = async () => {
    isClosed = true;
  };
  return { description: FIRST, close, closed: () => isClosed } as never;
}

const unreachable = () =>
  Promise.reject(new TshuttleError('ERR_BASTION_UNREACHABLE', 'cannot reach it', { remedy: 'wait' }));

test('those who ask at once get the same connection', async () => {
  const transport = fakeTransport();
  const openAnother = vi.fn(async () => transport);
  const growth = new ConnectionGrowth(FIRST, { openAnother, logger: recordingLogger() });
  expect(await Promise.all([growth.another(), growth.another()])).toEqual([transport, transport]);
  expect(openAnother).toHaveBeenCalledTimes(1);
});

test('a failure makes it wait, longer each time; after five it gives up', async () => {
  const openAnother = vi.fn(unreachable);
  const logger = recordingLogger();
  const growth = new ConnectionGrowth(FIRST, { openAnother, logger });
  const attemptsAfter: number[] = [];
  for (const passedMs of [0, 4_999, 1, 9_999, 1, 20_000, 40_000, 10_000_000]) {
    vi.advanceTimersByTime(passedMs);
    expect(await growth.another()).toBeUndefined();
    attemptsAfter.push(openAnother.mock.calls.length);
  }
  expect(attemptsAfter).toEqual([1, 1, 2, 2, 3, 4, 5, 5]);
});

test('a refusal at the door is not tried again', async () => {
  const openAnother = vi.fn(() =>
    Promise.reject(new TshuttleError('ERR_BASTION_AUTH', 'permission denied', { remedy: 'ask' })),
  );
  const growth = new ConnectionGrowth(FIRST, { openAnother, logger: recordingLogger() });
  await growth.another();
  vi.advanceTimersByTime(10_000_000);
  await growth.another();
  expect(openAnother).toHaveBeenCalledTimes(1);
});

test('a connection that comes when it is over is closed', async () => {
  const late = fakeTransport();
  let arrive: (transport: Opened) => void = () => {};
  const openAnother = () => new Promise<Opened>((resolve) => (arrive = resolve));
  const growth = new ConnectionGrowth(FIRST, { openAnother, logger: recordingLogger() });
  const asked = growth.another();
  const closed = growth.close();
  arrive(late);
  await closed;
  await asked;
  expect(late.closed()).toBe(true);
  expect(await growth.another()).toBeUndefined();
});

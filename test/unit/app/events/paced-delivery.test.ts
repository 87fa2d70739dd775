import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PacedDelivery } from '../../../../src/app/events/paced-delivery.ts';
import type { DeliveryBounds, EventKind, TunnelEvent } from '../../../../src/app/events/tunnel-event.ts';
import { type Deferred, deferred } from '../../../../src/core/deferred.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const INTERVAL_MS = 5_000;

function eventOf(kind: EventKind, message = ''): TunnelEvent {
  return { kind, name: 'office', bastion: 'me@gate', message, remedy: null, sinceMs: 0 };
}

/** A sink that takes its time, and notes when it was told what. */
function scene({ isSlow = false, takes = (_kind: EventKind): boolean => true } = {}) {
  const told: Array<readonly [atMs: number, kind: EventKind]> = [];
  const bounds: DeliveryBounds[] = [];
  const outcomes: string[] = [];
  const beganMs = performance.now();
  const atMs = (): number => Math.round(performance.now() - beganMs);
  let running: Deferred<void> | undefined;
  const delivery = new PacedDelivery(
    {
      name: '--on-event',
      intervalMs: INTERVAL_MS,
      isBestEffort: false,
      remedy: '',
      takes: ({ kind }) => takes(kind),
      deliver: async ({ kind }, given) => {
        expect(running, 'one at a time').toBeUndefined();
        told.push([atMs(), kind]);
        bounds.push(given);
        if (!isSlow) return;
        const run = deferred<void>();
        running = run;
        given.signal.addEventListener('abort', () => run.reject(new Error('ended')));
        setTimeout(() => run.reject(new Error('too long')), given.limitMs);
        await run.promise.finally(() => {
          running = undefined;
        });
      },
    },
    ({ kind }, failure) => outcomes.push(`${kind} ${failure?.message ?? 'ok'}`),
  );
  return { delivery, told, bounds, outcomes, atMs, finish: () => running?.resolve() };
}

/** Uses up what may be told at once. */
async function tellThree(delivery: PacedDelivery): Promise<void> {
  for (const kind of ['up', 'lost', 'back'] as const) {
    delivery.tell(eventOf(kind));
    await vi.advanceTimersByTimeAsync(0);
  }
}

test('the first three are told at once, and of what comes soon after only the latest, one each interval', async () => {
  const { delivery, told } = scene();
  await tellThree(delivery);
  await vi.advanceTimersByTimeAsync(1_000);
  for (const kind of ['lost', 'back', 'needs-login'] as const) delivery.tell(eventOf(kind));
  await vi.advanceTimersByTimeAsync(5_000);
  delivery.tell(eventOf('back'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual([
    [0, 'up'],
    [0, 'lost'],
    [0, 'back'],
    [INTERVAL_MS, 'needs-login'],
    [2 * INTERVAL_MS, 'back'],
  ]);
  expect(vi.getTimerCount(), 'nothing wakes up where nothing happens').toBe(0);
});

test('a bastion that comes and goes every second for an hour: one each interval, no more', async () => {
  const { delivery, told } = scene();
  for (let second = 0; second < 3_600; second += 1) {
    delivery.tell(eventOf(second % 2 === 0 ? 'lost' : 'back'));
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(told.length).toBeLessThanOrEqual(3_600_000 / INTERVAL_MS + 3);
  expect(told.length).toBeGreaterThan(700);
});

test('while one is told, the next one waits; a sink that hangs is ended by its limit, and the latest is told then', async () => {
  const { delivery, told, outcomes } = scene({ isSlow: true });
  delivery.tell(eventOf('lost'));
  delivery.tell(eventOf('back'));
  delivery.tell(eventOf('needs-login'));
  await vi.advanceTimersByTimeAsync(9_999);
  expect(told).toEqual([[0, 'lost']]);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual([
    [0, 'lost'],
    [10_000, 'needs-login'],
  ]);
  expect(outcomes).toEqual(['lost too long']);
});

test('what a sink does not take costs it nothing, and takes the place of what it would have told', async () => {
  const { delivery, told } = scene({ takes: (kind) => kind === 'needs-login' });
  for (let round = 0; round < 10; round += 1) delivery.tell(eventOf('lost'));
  for (let round = 0; round < 3; round += 1) {
    delivery.tell(eventOf('needs-login'));
    await vi.advanceTimersByTimeAsync(0);
  }
  delivery.tell(eventOf('needs-login'));
  delivery.tell(eventOf('back'));
  await vi.advanceTimersByTimeAsync(INTERVAL_MS);
  expect(told).toHaveLength(3);
  delivery.tell(eventOf('needs-login'));
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toHaveLength(4);
});

test('at the end the last event is told at once, whatever the pace, and nothing after it', async () => {
  const { delivery, told } = scene();
  await tellThree(delivery);
  await vi.advanceTimersByTimeAsync(10);
  delivery.tell(eventOf('lost'));
  const ended = delivery.end(eventOf('given-up'));
  delivery.tell(eventOf('back'));
  await ended;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told.slice(3)).toEqual([[10, 'given-up']]);
  await delivery.end(eventOf('down'));
  expect(told).toHaveLength(4);
  expect(vi.getTimerCount()).toBe(0);
});

test('at the end what runs has a second, and the last event the rest of two', async () => {
  const { delivery, told, outcomes, atMs } = scene({ isSlow: true });
  delivery.tell(eventOf('lost'));
  await vi.advanceTimersByTimeAsync(0);
  let overAtMs = 0;
  void delivery.end(eventOf('down')).then(() => {
    overAtMs = atMs();
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual([
    [0, 'lost'],
    [1_000, 'down'],
  ]);
  expect(outcomes).toEqual(['lost ended', 'down too long']);
  expect(overAtMs).toBeLessThanOrEqual(2_000);
});

test('at the end what runs may end by itself, and then the last event has more time', async () => {
  const { delivery, told, bounds, finish } = scene({ isSlow: true });
  delivery.tell(eventOf('lost'));
  const ended = delivery.end(eventOf('down'));
  await vi.advanceTimersByTimeAsync(100);
  finish();
  await vi.advanceTimersByTimeAsync(0);
  finish();
  await ended;
  expect(told).toEqual([
    [0, 'lost'],
    [100, 'down'],
  ]);
  expect(bounds[1]!.limitMs).toBe(950);
});

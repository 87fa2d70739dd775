import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Deferred, deferred } from '../../../../src/core/deferred.ts';
import { TshuttleError } from '../../../../src/core/errors.ts';
import type { Prompter } from '../../../../src/ssh/prompter.ts';
import { BastionHungUp } from '../../../../src/ssh/transport.ts';
import type { Connections } from '../../../../src/tunnel/bastion/connections.ts';
import { LifeCycle } from '../../../../src/tunnel/bastion/life-cycle.ts';
import type { OnDown } from '../../../../src/tunnel/bastion/outages.ts';
import type { Attempt } from '../../../../src/tunnel/bastion/running-attempt.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LOST = new TshuttleError('ERR_BASTION_LOST', 'lost the bastion');
const UNREACHABLE = new TshuttleError('ERR_BASTION_UNREACHABLE', 'cannot reach the bastion');
const REFUSED = new TshuttleError('ERR_BASTION_AUTH', 'does not let us in', { remedy: 'another key' });

interface FakeConnections {
  readonly connections: Connections;
  readonly lost: Deferred<TshuttleError>;
  readonly close: ReturnType<typeof vi.fn>;
  readonly probe: ReturnType<typeof vi.fn>;
}

function fakeConnections(): FakeConnections {
  const lost = deferred<TshuttleError>();
  const close = vi.fn(async () => {});
  const probe = vi.fn();
  const connections = { description: 'me@bastion', lost: lost.promise, close, roundTripMs: 1, probe };
  return { connections: connections as unknown as Connections, lost, close, probe };
}

/** What attempts come to: one entry for each, and for ever what the last says. */
type Outcome = TshuttleError | 'connects' | 'asks and connects' | 'hangs';

function scene({
  outcomes,
  onDown = 'hold',
  hasAsked = false,
  prompterAvailable = false,
  isIdle = false,
}: {
  outcomes: Outcome[];
  onDown?: OnDown;
  hasAsked?: boolean;
  prompterAvailable?: boolean;
  isIdle?: boolean;
}) {
  const logger = recordingLogger();
  const prompter: Prompter = {
    available: prompterAvailable,
    mayAskAgain: true,
    ask: async () => 'answer',
    show: () => {},
  };
  const first = fakeConnections();
  const opened: FakeConnections[] = [];
  const attempts: Array<{ readonly atMs: number; readonly mayAsk: boolean }> = [];
  let lostAtMs = 0;
  const open = async (attempt: Attempt): Promise<Connections> => {
    attempts.push({ atMs: Math.round(performance.now() - lostAtMs), mayAsk: attempt.prompter.available });
    const outcome = (outcomes.length > 1 ? outcomes.shift() : outcomes[0]) ?? 'hangs';
    if (outcome instanceof TshuttleError) throw outcome;
    if (outcome === 'hangs') {
      await new Promise((_resolve, reject) => {
        attempt.signal.addEventListener('abort', () => reject(attempt.signal.reason as Error));
      });
    }
    if (outcome === 'asks and connects') attempt.onAsked();
    const made = fakeConnections();
    opened.push(made);
    return made.connections;
  };
  const life = new LifeCycle(
    { onDown, held: { count: 3, timeMs: 30_000 }, logger, prompter, isIdle: () => isIdle },
    open,
    first.connections,
    hasAsked,
  );
  const lose = async (
    error: TshuttleError = LOST,
    { afterMs = 2_000, which = opened.at(-1) ?? first } = {},
  ) => {
    await vi.advanceTimersByTimeAsync(afterMs);
    lostAtMs = performance.now();
    which.lost.resolve(error);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { life, first, opened, attempts, lose, logger, prompter };
}

describe('after a loss', () => {
  test('what waits gets the next connection, and is the reason for quick attempts', async () => {
    const { life, attempts, lose, opened } = scene({
      outcomes: [UNREACHABLE, UNREACHABLE, UNREACHABLE, UNREACHABLE, 'connects'],
    });
    await lose();
    const waiting = life.connections(performance.now());
    await vi.advanceTimersByTimeAsync(6_000);
    expect(attempts.map(({ atMs }) => atMs)).toEqual([200, 500, 1_000, 3_000, 5_000]);
    expect(await waiting).toBe(opened[0]?.connections);
    expect(life.state.kind).toBe('up');
    expect(life.outages.reconnects).toBe(1);
    expect(life.outages.isDown).toBe(false);
  });

  test('without anything that waits, attempts become rare', async () => {
    const { life, attempts, lose } = scene({ outcomes: [UNREACHABLE] });
    await lose();
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    expect(attempts.length).toBeGreaterThan(20);
    expect(attempts.length).toBeLessThan(50);
    expect(life.state).toMatchObject({ kind: 'waiting', for: { kind: 'backoff' } });
    expect(life.outages.lastError).toMatchObject({ code: 'ERR_BASTION_UNREACHABLE' });

    // Since the loss, whatever failed after it.
    expect(Date.now() - life.outages.lostSinceMs!).toBe(10 * 60_000);
    const before = attempts.length;
    void life.connections(performance.now());
    await vi.advanceTimersByTimeAsync(1_100);
    expect(attempts.length - before, 'the first to wait makes them quick again').toBeGreaterThanOrEqual(2);
    await life.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('what waits is given up after its time, and the rest of the limit is others’', async () => {
    const { life, lose } = scene({ outcomes: [UNREACHABLE] });
    await lose();
    const waiting = [1, 2, 3, 4].map(() => life.connections(performance.now()));
    expect(await waiting[3]).toBe('full');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await Promise.all(waiting)).toEqual(['expired', 'expired', 'expired', 'full']);
  });

  test('the connection before is closed, and its late news change nothing', async () => {
    const { life, first, lose, opened } = scene({ outcomes: ['connects'] });
    await lose();
    expect(first.close).toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(500);
    expect(life.current).toBe(opened[0]?.connections);
    await lose(LOST, { which: first });
    expect(life.state.kind).toBe('up');
  });

  test('closing waits for all connections that are being closed: lost ones, and those that others took the place of', async () => {
    const { life, first, lose, opened } = scene({ outcomes: ['connects'] });
    const [firstClosed, secondClosed] = [deferred<void>(), deferred<void>()];
    first.close.mockReturnValue(firstClosed.promise);
    await lose();
    await vi.advanceTimersByTimeAsync(500);
    opened[0]!.close.mockReturnValue(secondClosed.promise);
    expect(life.replace(fakeConnections().connections)).toBe(true);
    let isClosed = false;
    const closing = life.close().then(() => {
      isClosed = true;
    });
    for (const closed of [firstClosed, secondClosed]) {
      await vi.advanceTimersByTimeAsync(0);
      expect(isClosed).toBe(false);
      closed.resolve();
    }
    await closing;
  });

  test('closing ends an attempt, what waits, and all timers', async () => {
    const { life, lose } = scene({ outcomes: ['hangs'] });
    await lose();
    const waiting = life.connections(performance.now());
    await vi.advanceTimersByTimeAsync(300);
    expect(life.state.kind).toBe('connecting');
    await life.close();
    expect(await waiting).toBe('cancelled');
    expect(life.state.kind).toBe('stopped');
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each(['reject', 'direct'] as const)('%s: nothing waits', async (onDown) => {
    const { life, lose, opened } = scene({ outcomes: [UNREACHABLE, 'connects'], onDown });
    await lose();
    expect(await life.connections(performance.now())).toBe('rejected');
    expect(life.outages.isDown).toBe(true);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await life.connections(performance.now())).toBe(opened[0]?.connections);
  });

  test('exit: that is the end', async () => {
    const { life, lose, attempts } = scene({ outcomes: ['connects'], onDown: 'exit' });
    await lose();
    expect(await life.lost).toBe(LOST);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(attempts).toEqual([]);
    expect(life.state.kind).toBe('stopped');
  });

  test('a connection that is lost as soon as it stands is no success', async () => {
    const { life, lose, attempts } = scene({ outcomes: ['connects'] });
    const startedAtMs = performance.now();
    await lose();
    for (let round = 0; round < 20; round += 1) {
      const before = attempts.length;
      void life.connections(performance.now());
      while (attempts.length === before) await vi.advanceTimersByTimeAsync(100);
      await lose(LOST, { afterMs: 0 });
    }
    const tookMs = performance.now() - startedAtMs;
    expect(tookMs, 'the time that 20 logins took, with something that waits for each').toBeGreaterThan(
      30_000,
    );
  });
});

test('a day of flapping leaves no timer, nobody waiting, and every connection closed', async () => {
  const steps = ['connects', UNREACHABLE, 'connects', 'hangs'] as const;
  const outcomes: Outcome[] = Array.from({ length: 40_000 }, (_, index) => steps[index % steps.length]!);
  const { life, first, opened, lose, attempts } = scene({ outcomes });
  const dayEndsMs = performance.now() + 24 * 3_600_000;
  let losses = 0;
  while (performance.now() < dayEndsMs) {
    await lose(LOST, { afterMs: 1_000 + ((losses * 7_919) % 60_000) });
    losses += 1;
    const waiting = [1, 2, 3].map(() => life.connections(performance.now()));
    for (let waitedMs = 0; life.current === undefined; waitedMs += 5_000) {
      expect(waitedMs).toBeLessThan(60_000);
      life.networkChanged(); // also ends an attempt that hangs
      await vi.advanceTimersByTimeAsync(5_000);
    }
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => life.current));
    expect(vi.getTimerCount()).toBe(0);
  }
  expect(losses).toBeGreaterThan(2_000);
  expect(attempts.length).toBeGreaterThan(losses);
  expect(life.outages.reconnects).toBe(losses);
  await life.close();
  for (const { close } of [first, ...opened]) expect(close).toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

describe('a login that is refused', () => {
  test('is not tried again before the user acts, whatever waits', async () => {
    const { life, lose, attempts, logger, prompter } = scene({
      outcomes: [REFUSED, REFUSED, 'connects'],
      prompterAvailable: true,
    });
    await lose();
    void life.connections(performance.now());
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    void life.connections(performance.now());
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(attempts).toHaveLength(1);
    expect(life.state).toMatchObject({ kind: 'waiting', for: { kind: 'user', why: 'refused' } });
    expect(logger.lines.filter((line) => line.includes('does not let us in'))).toHaveLength(1);

    await expect(life.login(prompter)).rejects.toBe(REFUSED);
    expect(attempts).toHaveLength(2);
    await life.login(prompter);
    expect(life.state.kind).toBe('up');
    expect(attempts).toHaveLength(3);
  });
});

describe('a bastion that asks', () => {
  test('is left alone while nothing waits, and while there is nobody to ask', async () => {
    const { life, lose, attempts } = scene({ outcomes: ['connects'], hasAsked: true });
    await lose();
    void life.connections(performance.now());
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(attempts).toEqual([]);
    expect(life.state).toMatchObject({ kind: 'waiting', for: { kind: 'user', why: 'would ask' } });
  });

  test('has somebody asked as soon as something waits', async () => {
    const { life, lose, attempts, opened } = scene({
      outcomes: ['asks and connects'],
      hasAsked: true,
      prompterAvailable: true,
    });
    await lose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(attempts).toEqual([]);
    const waiting = life.connections(performance.now());
    await vi.advanceTimersByTimeAsync(200);
    expect(attempts).toMatchObject([{ mayAsk: true }]);
    expect(await waiting).toBe(opened[0]?.connections);

    await vi.advanceTimersByTimeAsync(5_000);
    await lose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(attempts, 'it asks still').toHaveLength(1);
  });

  test('nobody is asked by an attempt that nothing waits for', async () => {
    const { lose, attempts } = scene({ outcomes: ['connects'], prompterAvailable: true });
    await lose();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(attempts).toMatchObject([{ mayAsk: false }]);
  });
});

describe('a bastion that hangs up', () => {
  const HUNG_UP = new TshuttleError('ERR_BASTION_LOST', 'lost', { cause: new BastionHungUp('it closed') });

  test('while nothing is carried is connected again when something is', async () => {
    const { life, lose, attempts, logger, opened } = scene({ outcomes: ['connects'], isIdle: true });
    await lose(HUNG_UP);
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(attempts).toEqual([]);
    expect(life.state).toMatchObject({ kind: 'waiting', for: { kind: 'parked' } });
    expect(life.outages).toMatchObject({ isDown: false, lostSinceMs: undefined });
    const waiting = life.connections(performance.now());
    await vi.advanceTimersByTimeAsync(0);
    expect(await waiting).toBe(opened[0]?.connections);
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  test('is lost like any other when it cannot be connected again', async () => {
    const { life, lose } = scene({ outcomes: [UNREACHABLE], isIdle: true, onDown: 'reject' });
    await lose(HUNG_UP);
    const waiting = life.connections(performance.now());
    await vi.advanceTimersByTimeAsync(200);
    expect(await waiting).toBe('rejected');
    expect(life.outages.isDown).toBe(true);
  });

  test('while something is carried is connected again at once', async () => {
    const { lose, attempts } = scene({ outcomes: ['connects'] });
    await lose(HUNG_UP);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(attempts).toHaveLength(1);
  });
});

test('retrying now takes the place of waiting', async () => {
  const { life, lose, attempts } = scene({ outcomes: [UNREACHABLE, UNREACHABLE, UNREACHABLE, 'connects'] });
  const seen: string[] = [];
  const stop = life.onChange(() => seen.push(life.state.kind));
  await lose();
  life.retryNow();
  await vi.advanceTimersByTimeAsync(0);
  expect(attempts).toMatchObject([{ atMs: 0 }]);
  stop();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(life.state.kind).toBe('up');
  expect(seen).toEqual(['waiting', 'connecting', 'waiting']);
});

describe('a network that changes', () => {
  test('has the bastion asked for a sign of life', async () => {
    const { life, first, attempts } = scene({ outcomes: ['connects'] });
    life.networkChanged();
    expect(first.probe).toHaveBeenCalledTimes(1);
    expect(life.current).toBe(first.connections);
    expect(attempts).toEqual([]);
  });

  test('ends a long wait at once', async () => {
    const { life, lose, attempts, opened } = scene({
      outcomes: [UNREACHABLE, UNREACHABLE, UNREACHABLE, UNREACHABLE, UNREACHABLE, 'connects'],
    });
    await lose();
    while (attempts.length < 5) await vi.advanceTimersByTimeAsync(100);
    await vi.advanceTimersByTimeAsync(2_000);
    life.networkChanged();
    await vi.advanceTimersByTimeAsync(0);
    expect(attempts).toHaveLength(6);
    expect(life.current).toBe(opened[0]?.connections);
  });

  test('begins an attempt anew that may wait for what the old network has swallowed', async () => {
    const { life, lose, attempts, opened } = scene({ outcomes: ['hangs', 'connects'] });
    await lose();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(life.state.kind).toBe('connecting');
    life.networkChanged();
    await vi.advanceTimersByTimeAsync(0);
    expect(attempts).toHaveLength(2);
    expect(life.current).toBe(opened[0]?.connections);
  });

  test('however often it changes, is no reason for more than two attempts a second', async () => {
    const { life, lose, attempts } = scene({ outcomes: [UNREACHABLE] });
    await lose();
    for (let at = 0; at < 10_000; at += 100) {
      life.networkChanged();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(attempts.length).toBeGreaterThan(5);
    expect(attempts.length).toBeLessThanOrEqual(20);
    await life.close();
  });

  test('interrupts nobody who logs in', async () => {
    const { life, lose, attempts, prompter } = scene({
      outcomes: [REFUSED, 'hangs'],
      prompterAvailable: true,
    });
    await lose();
    await vi.advanceTimersByTimeAsync(1_000);
    const login = life.login(prompter);
    await vi.advanceTimersByTimeAsync(5_000);
    life.networkChanged();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(attempts).toHaveLength(2);
    await life.close();
    await expect(login).rejects.toThrow('closing');
  });

  test('does not try a login again that was refused', async () => {
    const { life, lose, attempts } = scene({ outcomes: [REFUSED] });
    await lose();
    await vi.advanceTimersByTimeAsync(60_000);
    life.networkChanged();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(attempts).toHaveLength(1);
  });
});

import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type LoginVerdict, ProxyLogins } from '../../../../src/ingress/proxy/proxy-logins.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const RIGHT = { user: 'ann', password: 'pass:word' };
const WRONG = { user: 'ann', password: 'guess' };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Clients are their own names; ann is the one that need not guess. */
function open() {
  const logger = recordingLogger();
  const logins = new ProxyLogins(RIGHT, logger, {
    guesserOf: (client) => (String(client) === 'ann' ? undefined : String(client)),
    nowMs: () => Date.now(),
  });
  const judge = (client: string, shown: typeof RIGHT | undefined) =>
    logins.judge(client as unknown as Socket, shown);
  return { judge, logger };
}

/** What has been said of logins so far. */
function collect(logins: readonly Promise<LoginVerdict>[]): LoginVerdict[] {
  const said: LoginVerdict[] = [];
  for (const login of logins) void login.then((verdict) => said.push(verdict));
  return said;
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

describe('logins', () => {
  test('who shows nothing is not welcome, and has not guessed', async () => {
    const { judge } = open();
    for (const verdict of times(50, () => judge('eve', undefined))) expect(await verdict).toBe('wrong');
    expect(await judge('eve', RIGHT)).toBe('welcome');
  });

  test('five wrong ones are free, further ones are judged one a second, the right one too', async () => {
    const { judge, logger } = open();
    const said = collect([...times(7, () => judge('eve', WRONG)), judge('eve', RIGHT)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(said).toEqual(times(5, () => 'wrong'));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(said).toEqual(times(7, () => 'wrong'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(said.at(-1)).toBe('welcome');
    expect(logger.lines).toEqual([expect.stringContaining('wrong passwords for the proxy, from eve')]);
  });

  test('a flood of them gets one judgement a second, whether it waits for it or hangs up; nothing else is kept', async () => {
    const { judge } = open();
    const said = collect(times(10_000, () => judge('eve', WRONG)));
    await vi.advanceTimersByTimeAsync(0);
    expect(said.filter((verdict) => verdict === 'wrong')).toHaveLength(5);
    expect(said.filter((verdict) => verdict === 'later')).toHaveLength(10_000 - 20);
    expect(vi.getTimerCount()).toBe(15);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(said.filter((verdict) => verdict === 'wrong')).toHaveLength(20);
  });

  test('others do not wait meanwhile, and the guesser not for ever', async () => {
    const { judge } = open();
    collect(times(1_000, () => judge('eve', WRONG)));
    const others = collect([
      judge('bob', RIGHT),
      judge('ann', RIGHT),
      judge('ann', WRONG),
      judge('bob', WRONG),
    ]);
    await vi.advanceTimersByTimeAsync(0);
    expect(others.toSorted()).toEqual(['welcome', 'welcome', 'wrong', 'wrong']);
    await vi.advanceTimersByTimeAsync(60_000);
    const late = collect([judge('eve', RIGHT)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(late).toEqual(['welcome']);
  });

  test('a quiet time is no credit for more than five', async () => {
    const { judge } = open();
    collect([...times(20, () => judge('eve', WRONG)), judge('bob', WRONG)]);
    await vi.advanceTimersByTimeAsync(14_000);
    const said = collect(times(10, () => judge('bob', WRONG)));
    await vi.advanceTimersByTimeAsync(0);
    expect(said).toHaveLength(5);
  });

  test('the right one costs nothing, however often it comes', async () => {
    const { judge } = open();
    collect([judge('eve', WRONG)]);
    const said = collect(times(1_000, () => judge('bob', RIGHT)));
    await vi.advanceTimersByTimeAsync(0);
    expect(said).toEqual(times(1_000, () => 'welcome'));
  });

  test('twenty thousand guessers are not all kept', async () => {
    const { judge } = open();
    for (let index = 0; index < 20_000; index += 1) void judge(`eve ${index}`, WRONG);
    const said = collect([judge('bob', RIGHT)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(said).toEqual(['welcome']);
  });
});

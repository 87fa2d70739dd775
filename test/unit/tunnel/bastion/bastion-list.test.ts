import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TshuttleError } from '../../../../src/core/errors.ts';
import { BastionList, type OpenBastion } from '../../../../src/tunnel/bastion/bastion-list.ts';
import type { BastionAttempt } from '../../../../src/tunnel/bastion/bastion-race.ts';
import { type Connections, NOBODY } from '../../../../src/tunnel/bastion/connections.ts';
import type { Attempt } from '../../../../src/tunnel/bastion/running-attempt.ts';
import { scriptedPrompter } from '../../../support/in-process/scripted-prompter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const UNREACHABLE = new TshuttleError('ERR_BASTION_UNREACHABLE', 'no answer');
const REFUSED = new TshuttleError('ERR_BASTION_AUTH', 'Permission denied');

/** What a test makes of each attempt. */
interface Try {
  readonly index: number;
  readonly attempt: BastionAttempt;
  readonly closed: ReturnType<typeof vi.fn>;
  connect(): void;
  fail(error: Error): void;
}

function listOf(count: number) {
  const tries: Try[] = [];
  const open: OpenBastion = (index, attempt) =>
    new Promise((resolve, reject) => {
      const closed = vi.fn(() => Promise.resolve());
      const connections = {
        description: `bastion ${index}`,
        close: closed,
      } as Partial<Connections> as Connections;
      tries.push({ index, attempt, closed, connect: () => resolve(connections), fail: reject });
      attempt.signal.addEventListener('abort', () => reject(attempt.signal.reason as Error));
    });
  const list = new BastionList(['a', 'b', 'c'].slice(0, count), open);
  return { list, tries, begun: () => tries.map(({ index }) => index) };
}

const attemptBy = (prompter: Attempt['prompter'] = NOBODY, isUserInitiated = false) => ({
  prompter,
  isUserInitiated,
  signal: new AbortController().signal,
  onAsked: vi.fn(),
});

describe('BastionList', () => {
  test('begins with the next one after a failure at once, and without an answer after a while', async () => {
    const { list, tries, begun } = listOf(3);
    const connecting = list.connect(attemptBy(), true);
    tries[0]!.fail(UNREACHABLE);
    await vi.advanceTimersByTimeAsync(0);
    expect(begun()).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(749);
    expect(begun()).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun()).toEqual([0, 1, 2]);
    tries[2]!.connect();
    expect((await connecting).description).toBe('bastion 2');
    expect(tries[1]!.attempt.signal.aborted).toBe(true);
    expect(list.standings).toMatchObject([
      { bastion: 'a', isUsed: false, lastError: 'no answer' },
      { bastion: 'b', isUsed: false, lastError: null },
      { bastion: 'c', isUsed: true, lastError: null },
    ]);
  });

  test('waits for one that has answered', async () => {
    const { list, tries, begun } = listOf(2);
    const connecting = list.connect(attemptBy(), true);
    tries[0]!.attempt.onReached();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun()).toEqual([0]);
    tries[0]!.connect();
    expect((await connecting).description).toBe('bastion 0');
  });

  test('one that is connected too late is closed', async () => {
    const { list, tries } = listOf(2);
    const connecting = list.connect(attemptBy(), true);
    await vi.advanceTimersByTimeAsync(750);
    tries[0]!.connect();
    tries[1]!.connect();
    await connecting;
    await vi.advanceTimersByTimeAsync(0);
    expect(tries[1]!.closed).toHaveBeenCalledOnce();
    expect(tries[0]!.closed).not.toHaveBeenCalled();
  });

  test('only one asks: the others are ended, and begun once more when its login fails', async () => {
    const { list, tries, begun } = listOf(2);
    const prompter = scriptedPrompter('1');
    const attempt = attemptBy(prompter);
    const connecting = list.connect(attempt, true);
    await vi.advanceTimersByTimeAsync(750);
    expect(begun()).toEqual([0, 1]);
    await tries[1]!.attempt.prompter.ask('Code: ', { echo: true });
    expect(attempt.onAsked).toHaveBeenCalledOnce();
    expect(tries[0]!.attempt.signal.aborted).toBe(true);
    await expect(tries[0]!.attempt.prompter.ask('Code: ', { echo: true })).rejects.toThrow('another bastion');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun()).toEqual([0, 1]);
    tries[1]!.fail(REFUSED);
    await vi.advanceTimersByTimeAsync(0);
    expect(begun()).toEqual([0, 1, 0]);
    tries[2]!.connect();
    expect((await connecting).description).toBe('bastion 0');
  });

  test('one that was ended for another that asks, and is connected all the same, is closed and begun once more', async () => {
    const { list, tries, begun } = listOf(2);
    const connecting = list.connect(attemptBy(scriptedPrompter('1')), true);
    await vi.advanceTimersByTimeAsync(750);
    tries[0]!.attempt.onReached();
    tries[0]!.connect();
    tries[1]!.attempt.onAsked();
    await vi.advanceTimersByTimeAsync(0);
    expect(tries[0]!.closed).toHaveBeenCalledOnce();
    tries[1]!.fail(REFUSED);
    await vi.advanceTimersByTimeAsync(0);
    expect(begun()).toEqual([0, 1, 0]);
    tries[2]!.connect();
    expect((await connecting).description).toBe('bastion 0');
  });

  test('one that has refused a login is left alone, until the user acts', async () => {
    const { list, tries, begun } = listOf(2);
    const first = list.connect(attemptBy(), true);
    tries[0]!.fail(REFUSED);
    await vi.advanceTimersByTimeAsync(0);
    tries[1]!.fail(UNREACHABLE);
    // Worth another attempt, for the one that was not reached.
    await expect(first).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: 'none of 2 bastions can be used: a: Permission denied; b: no answer',
    });
    const second = list.connect(attemptBy(), false);
    expect(begun()).toEqual([0, 1, 1]);
    tries[2]!.fail(REFUSED);
    await expect(second).rejects.toMatchObject({ code: 'ERR_BASTION_AUTH' });
    // With nobody left, nobody is called.
    await expect(list.connect(attemptBy(), false)).rejects.toMatchObject({ code: 'ERR_BASTION_AUTH' });
    expect(begun()).toEqual([0, 1, 1]);
    const byUser = list.connect(attemptBy(NOBODY, true), false);
    tries[3]!.connect();
    await byUser;
    expect(begun()).toEqual([0, 1, 1, 0]);
  });

  test('one that asks is passed by where nobody could answer, and is no reason to wait for the user', async () => {
    const { list, tries, begun } = listOf(2);
    const first = list.connect(attemptBy(scriptedPrompter('1')), true);
    await tries[0]!.attempt.prompter.ask('Code: ', { echo: true });
    tries[0]!.attempt.onAsked();
    tries[0]!.connect();
    await first;
    expect(list.wouldAsk).toBe(false);
    const second = list.connect(attemptBy(), false);
    expect(begun()).toEqual([0, 1]);
    tries[1]!.connect();
    await second;
    // Nor is it gone back to.
    expect(await list.connectToEarlier(new AbortController().signal)).toBeUndefined();
  });

  test('goes back to an earlier one, and keeps the one in use where that fails', async () => {
    const { list, tries } = listOf(2);
    const first = list.connect(attemptBy(), true);
    tries[0]!.fail(UNREACHABLE);
    await vi.advanceTimersByTimeAsync(0);
    tries[1]!.connect();
    await first;
    const failing = list.connectToEarlier(new AbortController().signal);
    tries[2]!.fail(UNREACHABLE);
    await expect(failing).rejects.toMatchObject({ code: 'ERR_BASTION_UNREACHABLE' });
    expect(list.used).toBe(1);
    const back = list.connectToEarlier(new AbortController().signal);
    tries[3]!.connect();
    list.use((await back)!.index);
    expect(list.used).toBe(0);
  });

  test('an attempt that is cancelled ends all, and is no failure of a bastion', async () => {
    const { list, tries } = listOf(2);
    const controller = new AbortController();
    const connecting = list.connect({ ...attemptBy(), signal: controller.signal }, true);
    await vi.advanceTimersByTimeAsync(750);
    const over = expect(connecting).rejects.toThrow('cancelled');
    controller.abort(new Error('cancelled'));
    await over;
    expect(tries.every(({ attempt }) => attempt.signal.aborted)).toBe(true);
    expect(list.standings.map(({ lastError }) => lastError)).toEqual([null, null]);
  });
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RememberedHosts } from '../../../src/ssh/look-up.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the last addresses stand in for an answer that does not come', async () => {
  const answers = [
    Promise.resolve(['192.0.2.1']),
    Promise.reject(new Error('EAI_AGAIN')),
    new Promise<never>(() => {}),
  ];
  const hosts = new RememberedHosts(() => answers.shift() ?? Promise.resolve(['192.0.2.2']));
  expect(await hosts.lookUp('bastion', 0)).toEqual(['192.0.2.1']);
  const hasty = hosts.within(3_000);
  expect(await hasty('bastion', 0)).toEqual(['192.0.2.1']);
  const silent = hasty('bastion', 0);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await silent).toEqual(['192.0.2.1']);
  expect(await hasty('bastion', 0)).toEqual(['192.0.2.2']);
  expect(vi.getTimerCount()).toBe(0);
});

test('without an answer ever there is a reason', async () => {
  const hosts = new RememberedHosts(() => new Promise<never>(() => {}));
  const asked = expect(hosts.within(3_000)('bastion', 0)).rejects.toThrow('no name server answers');
  await vi.advanceTimersByTimeAsync(3_000);
  await asked;
});

test('look-ups that nobody answers do not take all threads', async () => {
  const lookUp = vi.fn(() => new Promise<never>(() => {}));
  const hosts = new RememberedHosts(lookUp);
  const asked = [1, 2, 3, 4].map(() =>
    hosts
      .within(3_000)('bastion', 0)
      .catch(() => {}),
  );
  await vi.advanceTimersByTimeAsync(3_000);
  await Promise.all(asked);
  expect(lookUp).toHaveBeenCalledTimes(2);
});

import { describe, expect, test } from 'vitest';
import { deferred } from '../../../src/core/deferred.ts';
import { beginOpening } from '../../../src/core/opening.ts';

/** Something to open by hand, and what has become of it. */
function openByHand(outer = new AbortController()) {
  const done = deferred<string>();
  const events: string[] = [];
  const opening = beginOpening(
    outer.signal,
    (signal) => {
      signal.addEventListener('abort', () => events.push(`aborted: ${(signal.reason as Error).message}`));
      return done.promise;
    },
    async (one) => void events.push(`closed ${one}`),
  );
  return { opening, done, events };
}

describe('beginOpening', () => {
  test('what is open is closed, and its opening is over', async () => {
    const { opening, done, events } = openByHand();
    done.resolve('door');
    expect(await opening.opened).toBe('door');
    await opening.close();
    expect(events).toEqual(['closed door']);
  });

  test('what is not open yet is given up, and closed should it open all the same', async () => {
    const { opening, done, events } = openByHand();
    const closed = opening.close();
    expect(events).toEqual([expect.stringMatching(/^aborted/)]);
    done.resolve('door');
    await closed;
    expect(events).toEqual([expect.stringMatching(/^aborted/), 'closed door']);
  });

  test('what could not be opened needs no closing, and nobody has to have heard of it', async () => {
    const { opening, done, events } = openByHand();
    done.reject(new Error('no door'));
    await new Promise(setImmediate);
    await opening.close();
    expect(events).toEqual([expect.stringMatching(/^aborted/)]);
    await expect(opening.opened).rejects.toThrow('no door');
  });

  test('the caller’s signal ends it too', () => {
    const outer = new AbortController();
    const { events } = openByHand(outer);
    outer.abort(new Error('stop'));
    expect(events).toEqual(['aborted: stop']);
  });
});

import { expect, test } from 'vitest';
import { abortable } from '../../../src/core/abortable.ts';

test('abortable rejects at once when the signal was aborted before', async () => {
  const signal = AbortSignal.abort(new Error('gone'));
  await expect(abortable(new Promise(() => {}), signal)).rejects.toThrow('gone');
});

test('abortable gives what the promise gives, and rejects when the signal comes first', async () => {
  const aborter = new AbortController();
  await expect(abortable(Promise.resolve(7), aborter.signal)).resolves.toBe(7);
  const pending = abortable(new Promise(() => {}), aborter.signal);
  aborter.abort(new Error('enough'));
  await expect(pending).rejects.toThrow('enough');
});

import { expect, test } from 'vitest';
import { CleanupStack } from '../../../src/core/cleanup-stack.ts';

test('releases in reverse order, once', async () => {
  const order: string[] = [];
  const cleanup = new CleanupStack();
  cleanup.push(() => void order.push('first'));
  cleanup.push(async () => void order.push('second'));
  await Promise.all([cleanup.release(), cleanup.release()]);
  expect(order).toEqual(['second', 'first']);
});

test('a failing release does not stop the others, and is told at the end', async () => {
  const order: string[] = [];
  const cleanup = new CleanupStack();
  cleanup.push(() => void order.push('first'));
  cleanup.push(() => Promise.reject(new Error('stuck')));
  await expect(cleanup.release()).rejects.toMatchObject({ errors: [new Error('stuck')] });
  expect(order).toEqual(['first']);
});

test('what is acquired while releasing is released too', async () => {
  const order: string[] = [];
  const cleanup = new CleanupStack();
  cleanup.push(() => void order.push('early'));
  await cleanup.release();
  cleanup.push(() => void order.push('late'));
  await cleanup.release();
  expect(order).toEqual(['early', 'late']);
});

import { expect, test } from 'vitest';
import { copyToPool, isPooled, release } from '../../../../src/net/sockets/byte-pool.ts';

const READ_BYTES = 64 * 1024;

test('a copy does not change with its source', () => {
  const bytes = Buffer.alloc(READ_BYTES, 'a');
  const kept = copyToPool(bytes);
  bytes.fill('b');
  expect(kept.equals(Buffer.alloc(READ_BYTES, 'a'))).toBe(true);
  expect(isPooled(kept)).toBe(true);
  expect(isPooled(bytes)).toBe(false);
});

test('memory is used again only after it was given back, by whatever part of it is left', () => {
  const first = copyToPool(Buffer.alloc(READ_BYTES, '1'));
  const second = copyToPool(Buffer.alloc(READ_BYTES, '2'));
  expect(second.buffer).not.toBe(first.buffer);
  release(first.subarray(1000));
  const third = copyToPool(Buffer.alloc(READ_BYTES / 2, '3'));
  expect(third.buffer).toBe(first.buffer);
  expect(third.toString()).toBe('3'.repeat(READ_BYTES / 2));
  expect(second.equals(Buffer.alloc(READ_BYTES, '2'))).toBe(true);
});

test('what is small or large has memory of its own, and giving back what was not kept does nothing', () => {
  for (const length of [1, 2 * READ_BYTES]) {
    const copy = copyToPool(Buffer.alloc(length, 'x'));
    expect(copy.length).toBe(length);
    expect(isPooled(copy)).toBe(false);
  }
  const foreign = Buffer.alloc(READ_BYTES);
  release(foreign);
  expect(copyToPool(Buffer.alloc(READ_BYTES)).buffer).not.toBe(foreign.buffer);
});

test('memory beyond the bound is not kept', () => {
  const many = Array.from({ length: 100 }, () => copyToPool(Buffer.alloc(READ_BYTES)));
  for (const kept of many) release(kept);
  const again = Array.from({ length: 100 }, () => copyToPool(Buffer.alloc(READ_BYTES)));
  const memories = new Set(many.map(({ buffer }) => buffer));
  expect(again.filter(({ buffer }) => memories.has(buffer))).toHaveLength(64);
});

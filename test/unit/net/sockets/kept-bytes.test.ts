import { expect, test } from 'vitest';
import { giveBack, isKept, keepBytes } from '../../../../src/net/sockets/kept-bytes.ts';

const READ_BYTES = 64 * 1024;

test('a kept copy does not change with what was lent', () => {
  const lent = Buffer.alloc(READ_BYTES, 'a');
  const kept = keepBytes(lent);
  lent.fill('b');
  expect(kept.equals(Buffer.alloc(READ_BYTES, 'a'))).toBe(true);
  expect(isKept(kept)).toBe(true);
  expect(isKept(lent)).toBe(false);
});

test('memory is used again only after it was given back, by whatever part of it is left', () => {
  const first = keepBytes(Buffer.alloc(READ_BYTES, '1'));
  const second = keepBytes(Buffer.alloc(READ_BYTES, '2'));
  expect(second.buffer).not.toBe(first.buffer);
  giveBack(first.subarray(1000));
  const third = keepBytes(Buffer.alloc(READ_BYTES / 2, '3'));
  expect(third.buffer).toBe(first.buffer);
  expect(third.toString()).toBe('3'.repeat(READ_BYTES / 2));
  expect(second.equals(Buffer.alloc(READ_BYTES, '2'))).toBe(true);
});

test('what is small or large has memory of its own, and giving back what was not kept does nothing', () => {
  for (const length of [1, 2 * READ_BYTES]) {
    const copy = keepBytes(Buffer.alloc(length, 'x'));
    expect(copy.length).toBe(length);
    expect(isKept(copy)).toBe(false);
  }
  const foreign = Buffer.alloc(READ_BYTES);
  giveBack(foreign);
  expect(keepBytes(Buffer.alloc(READ_BYTES)).buffer).not.toBe(foreign.buffer);
});

test('memory beyond the bound is not held', () => {
  const many = Array.from({ length: 100 }, () => keepBytes(Buffer.alloc(READ_BYTES)));
  for (const kept of many) giveBack(kept);
  const again = Array.from({ length: 100 }, () => keepBytes(Buffer.alloc(READ_BYTES)));
  const memories = new Set(many.map(({ buffer }) => buffer));
  expect(again.filter(({ buffer }) => memories.has(buffer))).toHaveLength(64);
});

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { reuseReadBuffer } from '../../../../src/net/sockets/read-buffer.ts';
import { openSocketPair } from '../../../support/in-process/socket-pair.ts';
import { until } from '../../../support/process/until.ts';

// The contract with a private part of Node: where the first test fails, every read has memory of its own again.

test('reads go to the same memory again', async () => {
  await using pair = await openSocketPair();
  expect(reuseReadBuffer(pair.accepted)).toBe(true);
  const memories = new Set<ArrayBufferLike>();
  let received = '';
  pair.accepted.on('data', (bytes: Buffer) => {
    memories.add(bytes.buffer);
    received += bytes.toString();
  });
  pair.accepted.resume();
  for (const word of ['one', 'two', 'three']) {
    const before = received;
    pair.application.write(word);
    await until(() => received === before + word, { deadlineMs: 2_000, what: word });
  }
  expect(memories.size).toBe(1);
});

test('the next memory is asked for after each read', async () => {
  await using pair = await openSocketPair();
  const memories = [Buffer.alloc(4), Buffer.alloc(8), Buffer.alloc(16)];
  const given = [...memories];
  reuseReadBuffer(pair.accepted, () => given.shift() ?? Buffer.alloc(64));
  const reads: Array<[ArrayBufferLike, string]> = [];
  pair.accepted.on('data', (bytes: Buffer) => reads.push([bytes.buffer, bytes.toString()]));
  pair.application.write('abcdefghijklmnopqrstuvwxyz');
  pair.accepted.resume();
  await until(() => reads.length >= 3, { deadlineMs: 2_000, what: 'three reads' });
  expect(reads.slice(0, 3)).toEqual([
    [memories[0]?.buffer, 'abcd'],
    [memories[1]?.buffer, 'efghijkl'],
    [memories[2]?.buffer, 'mnopqrstuvwxyz'],
  ]);
});

test('nothing is lost by pausing, and the end is seen behind a pause', async () => {
  await using pair = await openSocketPair();
  const sent = randomBytes(4 * 1024 * 1024);
  reuseReadBuffer(pair.accepted);
  const received: Buffer[] = [];
  let reads = 0;
  pair.accepted.on('data', (bytes: Buffer) => {
    received.push(Buffer.from(bytes));
    reads += 1;
    if (reads % 3 !== 0) return;
    pair.accepted.pause();
    setImmediate(() => pair.accepted.resume());
  });
  const end = once(pair.accepted, 'end');
  pair.accepted.resume();
  pair.application.end(sent);
  await end;
  expect(Buffer.concat(received).equals(sent)).toBe(true);
});

test('a paused socket does not read without bound', async () => {
  await using pair = await openSocketPair();
  reuseReadBuffer(pair.accepted);
  pair.accepted.on('data', () => {});
  pair.accepted.resume();
  pair.application.write('now');
  await once(pair.accepted, 'data');
  pair.accepted.pause();
  pair.application.write(Buffer.alloc(8 * 1024 * 1024));
  await until(() => pair.accepted.readableLength > 0, { deadlineMs: 2_000, what: 'something is read' });
  await until(() => pair.application.bytesWritten > 0, { deadlineMs: 2_000, what: 'something is written' });
  expect(pair.accepted.readableLength).toBeLessThanOrEqual(2 * 64 * 1024);
});

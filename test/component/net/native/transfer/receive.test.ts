import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { receiveNow } from '../../../../../src/net/native/transfer/receive.ts';
import {
  pauseReads,
  READ_BUFFER_BYTES,
  resumeReads,
  reuseReadBuffer,
} from '../../../../../src/net/sockets/read-buffer.ts';
import { openSocketPair, type SocketPair } from '../../../../support/in-process/socket-pair.ts';
import { until } from '../../../../support/process/until.ts';

const soon = (what: string, fact: () => boolean) => until(fact, { deadlineMs: 2_000, what });

/** A socket that is read, until its reads are paused; the words that its stream emitted are collected. */
async function openReadPair(): Promise<SocketPair & { readonly told: string[] }> {
  const pair = await openSocketPair();
  reuseReadBuffer(pair.accepted);
  const told: string[] = [];
  pair.accepted.on('data', (bytes: Buffer) => told.push(bytes.toString()));
  pair.accepted.on('end', () => told.push('END'));
  pair.accepted.resume();
  return { ...pair, told };
}

/** Takes what comes, until something has. */
async function take(pair: SocketPair, memory: Buffer): Promise<string> {
  let bytes = 0;
  await soon('something comes', () => {
    bytes = receiveNow(pair.accepted, memory);
    return bytes > 0;
  });
  return memory.subarray(0, bytes).toString();
}

test('while reads are paused everything is read past the stream; then the stream goes on, up to the end', async () => {
  await using pair = await openReadPair();
  pair.application.write('first');
  await soon('the stream reads', () => pair.told.length === 1);
  expect(pauseReads(pair.accepted)).toBe(true);
  const memory = Buffer.alloc(4);
  expect(receiveNow(pair.accepted, memory)).toBe(0);
  pair.application.write('second');
  expect(await take(pair, memory)).toBe('seco');
  expect(await take(pair, memory)).toBe('nd');
  pair.application.end('third');
  await once(pair.application, 'finish');
  resumeReads(pair.accepted);
  await soon('the end', () => pair.told.includes('END'));
  expect(pair.told).toEqual(['first', 'third', 'END']);
});

test('a stream that has emitted what waited in it does not read on', async () => {
  await using pair = await openSocketPair();
  reuseReadBuffer(pair.accepted);
  const told: number[] = [];
  pair.accepted.on('data', (bytes: Buffer) => {
    told.push(bytes.length);
    pauseReads(pair.accepted);
  });
  pair.application.end(Buffer.alloc(1024 * 1024));
  await soon('the stream is full', () => {
    pair.accepted.read(0);
    return pair.accepted.readableLength >= READ_BUFFER_BYTES;
  });
  pair.accepted.resume();
  await soon('it is emitted', () => told.length > 0);
  const toldBytes = told.reduce((sum, bytes) => sum + bytes, 0);
  let takenBytes = toldBytes;
  const memory = Buffer.alloc(READ_BUFFER_BYTES);
  await soon('the rest', () => {
    takenBytes += receiveNow(pair.accepted, memory);
    return takenBytes === 1024 * 1024;
  });
  expect(pair.accepted.bytesRead).toBe(toldBytes);
});

test('a stream that asks for a read while they are paused gets none', async () => {
  await using pair = await openReadPair();
  pair.application.write('first');
  await soon('the stream reads', () => pair.told.length === 1);
  pauseReads(pair.accepted);
  pair.accepted._read(1);
  pair.application.write('second');
  // Two turns of the event loop, in which a stream that reads would have it.
  await turn();
  await turn();
  expect(await take(pair, Buffer.alloc(16))).toBe('second');
  expect(pair.told).toEqual(['first']);
});

test('an end that comes while reads are paused is the stream’s to emit', async () => {
  await using pair = await openReadPair();
  pauseReads(pair.accepted);
  pair.application.end('last');
  const memory = Buffer.alloc(16);
  expect(await take(pair, memory)).toBe('last');
  await once(pair.application, 'finish');
  expect(receiveNow(pair.accepted, memory)).toBe(0);
  expect(pair.told).toEqual([]);
  resumeReads(pair.accepted);
  await soon('the end', () => pair.told.includes('END'));
});

test('a reset destroys the socket, with the error that its own read would have', async () => {
  await using pair = await openReadPair();
  pauseReads(pair.accepted);
  const failure = once(pair.accepted, 'error');
  pair.application.resetAndDestroy();
  await soon('the reset', () => receiveNow(pair.accepted, Buffer.alloc(16)) === 0 && pair.accepted.destroyed);
  expect((await failure)[0]).toMatchObject({
    message: 'read ECONNRESET',
    code: 'ECONNRESET',
    syscall: 'read',
  });
  expect(receiveNow(pair.accepted, Buffer.alloc(16))).toBe(0);
  resumeReads(pair.accepted);
});

test('a socket that does not reuse its read buffer cannot be paused', async () => {
  await using pair = await openSocketPair();
  expect(pauseReads(pair.accepted)).toBe(false);
  const received = once(pair.accepted, 'data');
  pair.application.write('first');
  pair.accepted.resume();
  expect((await received)[0].toString()).toBe('first');
});

test('reads are not paused while the stream has something unread', async () => {
  await using pair = await openSocketPair();
  reuseReadBuffer(pair.accepted);
  pair.application.write('waits');
  await soon('the stream has it', () => {
    pair.accepted.read(0);
    return pair.accepted.readableLength === 5;
  });
  expect(pauseReads(pair.accepted)).toBe(false);
});

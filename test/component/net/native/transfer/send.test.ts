import { once } from 'node:events';
import { expect, test } from 'vitest';
import { shutNow } from '../../../../../src/net/native/connection-end.ts';
import {
  bytesSentNow,
  sendNow,
  sendNowCounted,
  sendOrCopy,
  sendPiecesNow,
} from '../../../../../src/net/native/transfer/send.ts';
import { openSocketPair, readToEnd } from '../../../../support/in-process/socket-pair.ts';
import { until } from '../../../../support/process/until.ts';

test('what the kernel takes is sent when the call returns, and counted', async () => {
  await using pair = await openSocketPair();
  const received = readToEnd(pair.application);
  const memory = Buffer.from('first');
  expect(sendNowCounted(pair.accepted, memory)).toBe(5);
  memory.write('XXXXX');
  pair.accepted.end(' second');
  expect((await received).toString()).toBe('first second');
  expect(bytesSentNow(pair.accepted)).toBe(5);
});

test('pieces from several places arrive as one, also when they are more than one call takes', async () => {
  await using pair = await openSocketPair();
  const received = readToEnd(pair.application);
  const memory = Buffer.from('zero one two three four ');
  expect(sendPiecesNow(pair.accepted, [])).toBe(0);
  expect(sendPiecesNow(pair.accepted, [memory.subarray(5, 9), memory.subarray(0, 5), Buffer.alloc(0)])).toBe(
    9,
  );
  const many = Array.from({ length: 100 }, (_, index) => Buffer.from([index]));
  const taken = sendPiecesNow(pair.accepted, many);
  expect(taken).toBe(64);
  pair.accepted.end(Buffer.concat(many).subarray(taken));
  expect(await received).toEqual(Buffer.concat([Buffer.from('one zero '), ...many]));
});

test('pieces for a reader that stalls: a part is taken, and counted over all pieces', async () => {
  await using pair = await openSocketPair();
  const pieces = [Buffer.alloc(300_000, 'a'), Buffer.alloc(300_001, 'b')];
  let taken = 0;
  let last = 600_001;
  while (last === 600_001) {
    last = sendPiecesNow(pair.accepted, pieces);
    taken += last;
  }
  pair.accepted.end();
  expect((await readToEnd(pair.application)).length).toBe(taken);
});

test('a reader that stalls: the kernel takes a part, then nothing; the rest follows by the stream, in order', async () => {
  await using pair = await openSocketPair();
  const bytes = Buffer.alloc(64 * 1024, 'a');
  let taken = bytes.length;
  while (taken === bytes.length) taken = sendNowCounted(pair.accepted, bytes);
  expect(sendNowCounted(pair.accepted, Buffer.alloc(1024 * 1024))).toBeLessThan(1024 * 1024);
  const alreadySent = bytesSentNow(pair.accepted);
  pair.accepted.end('the end');
  const received = await readToEnd(pair.application);
  expect(received.length).toBe(alreadySent + 7);
  expect(received.subarray(-7).toString()).toBe('the end');
});

test('nothing overtakes what waits in the stream, corked or not', async () => {
  await using pair = await openSocketPair();
  pair.accepted.cork();
  expect(sendNow(pair.accepted, Buffer.from('too early'))).toBe(0);
  pair.accepted.write('first');
  expect(sendNow(pair.accepted, Buffer.from('too early'))).toBe(0);
  pair.accepted.uncork();
  pair.accepted.end();
  expect((await readToEnd(pair.application)).toString()).toBe('first');
});

test('a socket that failed or is closed takes nothing', async () => {
  await using pair = await openSocketPair();
  pair.application.resetAndDestroy();
  await until(() => sendNow(pair.accepted, Buffer.from('x')) === 0, { deadlineMs: 2_000, what: 'the reset' });
  const closed = once(pair.accepted, 'close');
  pair.accepted.destroy();
  expect(sendNow(pair.accepted, Buffer.from('x'))).toBe(0);
  await closed;
});

test('what the kernel does not take of a reused buffer is copied, from where it stopped', async () => {
  await using pair = await openSocketPair();
  const pieces = [Buffer.alloc(400_000, 'a'), Buffer.alloc(400_000, 'b'), Buffer.from('the end')];
  let rest: Buffer | undefined;
  let sentBytes = 0;
  while (rest === undefined) {
    rest = sendOrCopy(pair.accepted, pieces);
    sentBytes += 800_007 - (rest?.length ?? 0);
  }
  for (const piece of pieces) piece.fill('X');
  pair.accepted.end(rest);
  const received = await readToEnd(pair.application);
  expect(received.length).toBe(sentBytes + rest.length);
  expect(received.subarray(-7).toString()).toBe('the end');
  expect(received.includes('X')).toBe(false);
});

test('the end of data past the stream: after all that was sent, and only once nothing waits in the stream', async () => {
  await using pair = await openSocketPair();
  const received = readToEnd(pair.application);
  expect(sendNow(pair.accepted, Buffer.from('the last'), true)).toBe(8);
  pair.accepted.cork();
  pair.accepted.write(', no, this');
  expect(shutNow(pair.accepted)).toBe(false);
  pair.accepted.uncork();
  await until(() => pair.accepted.writableLength === 0, { deadlineMs: 2_000, what: 'it is flushed' });
  expect(shutNow(pair.accepted)).toBe(true);
  expect((await received).toString()).toBe('the last, no, this');
  const back = readToEnd(pair.accepted);
  pair.accepted.resume();
  pair.application.end('the other way goes on');
  expect((await back).toString()).toBe('the other way goes on');
  expect(pair.accepted.destroyed).toBe(false);
  pair.accepted.destroy();
  expect(shutNow(pair.accepted)).toBe(false);
});

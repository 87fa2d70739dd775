import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectSockets } from '../../../../src/net/sockets/socket-pair.ts';
import { readToEnd } from '../../../support/in-process/socket-pair.ts';
import { until } from '../../../support/process/until.ts';

const ownPlatform = process.platform;

function actAs(platform: string): void {
  Object.defineProperty(process, 'platform', { value: platform });
}

describe.each([
  ['of the kernel', ownPlatform],
  ['within this process, as on Windows', 'win32'],
])('a pair %s', (_what, platform) => {
  beforeEach(() => actAs(platform));
  afterEach(() => actAs(ownPlatform));

  test('each end reads what the other writes, and an end is only half of it', async () => {
    const { near, far } = connectSockets();
    near.end('question');
    far.resume();
    expect((await readToEnd(far)).toString()).toBe('question');
    far.end('late answer');
    expect((await readToEnd(near)).toString()).toBe('late answer');
    await Promise.all([near, far].map((socket) => socket.closed || once(socket, 'close')));
  });

  test('the far end is paused: it reads nothing before somebody wants it', async () => {
    const { near, far } = connectSockets();
    near.write('early');
    await new Promise((resolve) => setImmediate(resolve));
    expect(far.readableFlowing).toBe(false);
    expect(far.bytesRead).toBe(0);
    far.resume();
    await until(() => far.bytesRead === 5, { deadlineMs: 2_000, what: 'five bytes' });
    near.destroy();
  });

  test('a writer is held while nobody reads, and goes on when somebody does', async () => {
    const { near, far } = connectSockets();
    const chunk = Buffer.alloc(64 * 1024, 1);
    let written = 0;
    while (near.write(chunk)) written += chunk.length;
    expect(written).toBeLessThan(2 ** 20);
    await until(() => near.writableLength > 0, { deadlineMs: 2_000, what: 'a queue' });
    const queued = near.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(near.writableLength).toBe(queued);
    far.resume();
    await once(near, 'drain');
    near.destroy();
  });

  test('a reset of the far end is an error at the near one, not an end', async () => {
    const { near, far } = connectSockets();
    const reading = readToEnd(near);
    far.resetAndDestroy();
    await expect(reading).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(far.destroyed).toBe(true);
  });

  test('an end that goes away before it has ended takes the other with it', async () => {
    const { near, far } = connectSockets();
    const failed = once(far, 'error');
    near.destroy();
    await failed;
    expect(far.destroyed).toBe(true);
  });

  test("what is written is the reader's own, whatever its writer does with the memory afterwards", async () => {
    const { near, far } = connectSockets();
    const memory = Buffer.from('first');
    near.write(memory, () => memory.fill('x'));
    near.end();
    far.resume();
    expect((await readToEnd(far)).toString()).toBe('first');
    far.destroy();
  });

  test('8 MiB with small writes and a slow reader are exact, and nothing beyond the streams is kept', async () => {
    const { near, far } = connectSockets();
    let sent = 0;
    let received = 0;
    const total = 8 * 2 ** 20;
    const pump = (): void => {
      while (sent < total) {
        const piece = Buffer.alloc(Math.min(1 + (sent % 70_000), total - sent));
        for (let index = 0; index < piece.length; index++) piece[index] = (sent + index) % 251;
        sent += piece.length;
        if (!near.write(piece)) {
          near.once('drain', pump);
          return;
        }
      }
      near.end();
    };
    pump();
    for await (const chunk of far as AsyncIterable<Buffer>) {
      for (const byte of chunk) {
        if (byte !== received % 251) throw new Error(`byte ${received} is wrong`);
        received += 1;
      }
      expect(sent - received).toBeLessThan(2 ** 20);
    }
    expect(received).toBe(total);
    far.destroy();
  });

  test('setTimeout counts from the last byte', async () => {
    const { near, far } = connectSockets();
    let isOver = false;
    near.setTimeout(40, () => {
      isOver = true;
    });
    far.resume();
    near.resume();
    far.write('x');
    await until(() => isOver, { deadlineMs: 2_000, what: 'silence is told' });
    near.destroy();
  });

  test('a writer whose reader is gone is told, and an open one is not left waiting', async () => {
    const { near, far } = connectSockets();
    const failed = once(near, 'error');
    near.write(Buffer.alloc(2 ** 20));
    far.destroy();
    await failed;
    expect(near.destroyed).toBe(true);
  });
});

test('no descriptor is left', async () => {
  const count = (): number => readdirSync('/proc/self/fd').length;
  const before = count();
  const pairs = Array.from({ length: 50 }, () => connectSockets());
  expect(count()).toBeGreaterThanOrEqual(before + 100);
  for (const { near } of pairs) near.destroy();
  await until(() => count() <= before, { deadlineMs: 2_000, what: 'as many descriptors as before' });
});

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { duplicateDescriptor } from '../../../../src/net/native/descriptors/descriptor.ts';
import { originalDestination } from '../../../../src/net/native/original-destination.ts';
import { getSocketOption } from '../../../../src/net/native/socket-option.ts';
import { openListeners } from '../../../../src/net/sockets/listener.ts';
import { until } from '../../../support/process/until.ts';

const LOOPBACK = { address4: '127.0.0.1', address6: undefined, port: undefined };

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await once(socket, 'end');
  return Buffer.concat(chunks).toString();
}

test('connections that come together are taken together', async () => {
  const accepted: Socket[] = [];
  let inThisTurn = 0;
  let mostInATurn = 0;
  const listeners = await openListeners(LOOPBACK, (socket) => {
    accepted.push(socket);
    inThisTurn += 1;
    mostInATurn = Math.max(mostInATurn, inThisTurn);
    setImmediate(() => {
      inThisTurn = 0;
    });
  });
  const count = 40;
  const applications = Array.from({ length: count }, () => connect(listeners.port, '127.0.0.1'));
  await Promise.all(applications.map((application) => once(application, 'connect')));
  await until(() => accepted.length === count, { deadlineMs: 5_000, what: 'all are accepted' });
  expect(mostInATurn).toBeGreaterThanOrEqual(process.platform === 'linux' ? 8 : 1);
  expect(new Set(accepted.map(({ remotePort }) => remotePort)).size).toBe(count);
  for (const socket of [...applications, ...accepted]) socket.destroy();
  await listeners.close();
});

test('what is accepted is paused, half-open capable and without delay, and its reset is its own', async () => {
  const accepted: Socket[] = [];
  const listeners = await openListeners(LOOPBACK, (socket) => accepted.push(socket));
  const application = connect({ port: listeners.port, host: '127.0.0.1', allowHalfOpen: true });
  application.end('asked');
  await until(() => accepted.length === 1, { deadlineMs: 5_000, what: 'it is accepted' });
  const socket = accepted[0]!;
  expect([socket.isPaused() || socket.readableFlowing === false, socket.bytesRead]).toEqual([true, 0]);
  expect([socket.localPort, socket.remotePort]).toEqual([listeners.port, application.localPort]);
  if (process.platform === 'linux') {
    const noDelay = Buffer.alloc(4);
    expect(getSocketOption(socket, 6, 1, noDelay)).toBe(true);
    expect(noDelay.readInt32LE()).toBe(1);
  }
  expect(await readAll(socket)).toBe('asked');
  socket.write('answered after the end');
  socket.end();
  expect(await readAll(application)).toBe('answered after the end');

  const another = connect(listeners.port, '127.0.0.1');
  await until(() => accepted.length === 2, { deadlineMs: 5_000, what: 'another is accepted' });
  another.resetAndDestroy();
  accepted[1]!.resume();
  await until(() => accepted[1]!.closed, { deadlineMs: 5_000, what: 'it is closed' });
  expect(accepted[1]!.errored).toMatchObject({ code: 'ECONNRESET' });
  await listeners.close();
});

test('after close nothing listens any more', async () => {
  const listeners = await openListeners(LOOPBACK, () => {});
  await listeners.close();
  const application = connect(listeners.port, '127.0.0.1');
  const [error] = await once(application, 'error');
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
});

test('a port that is taken is told with its number', async () => {
  const first = await openListeners(LOOPBACK, () => {});
  await expect(openListeners({ ...LOOPBACK, port: first.port }, () => {})).rejects.toMatchObject({
    code: 'ERR_LISTEN',
    message: expect.stringContaining(`127.0.0.1:${first.port}`),
  });
  await first.close();
});

test('of a connection that is gone, nobody knows where it meant to go', async () => {
  const accepted: Socket[] = [];
  const listeners = await openListeners(LOOPBACK, (socket) => accepted.push(socket));
  const application = connect(listeners.port, '127.0.0.1');
  await until(() => accepted.length === 1, { deadlineMs: 5_000, what: 'it is accepted' });
  for (const socket of [application, ...accepted]) socket.destroy();
  expect(() => originalDestination(accepted[0]!, 4)).toThrow(
    expect.objectContaining({ code: 'ERR_ORIGINAL_DST' }),
  );
  await listeners.close();
});

test('a duplicate is not for children', () => {
  const O_CLOEXEC = 0o2000000;
  const duplicate = duplicateDescriptor(2);
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${duplicate}`, 'utf8'))?.[1] ?? '';
  expect(Number.parseInt(flags, 8) & O_CLOEXEC).toBe(O_CLOEXEC);
});

test('no duplicate of what is not open', () => {
  expect(duplicateDescriptor(1_000_000)).toBeUndefined();
});

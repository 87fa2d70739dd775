import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget } from '../../../src/ssh/config/target.ts';
import type { Ssh2Transport } from '../../../src/ssh/ssh2/connected-transport.ts';
import { openSsh2Transport } from '../../../src/ssh/ssh2/transport.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../support/in-process/scripted-prompter.ts';
import { readToEnd } from '../../support/in-process/socket-pair.ts';
import { openDestination } from '../../support/in-process/ssh2-pair.ts';
import { until } from '../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
let key: string;
const { signal } = new AbortController();

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  key = await sshd.makeKey('user_key');
  await sshd.authorize(key);
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

async function connect(server: LoopbackSshd = sshd): Promise<Ssh2Transport> {
  const logger = recordingLogger();
  const target = await resolveTarget(server.request([join(server.directory, 'user_key')]), {
    logger,
    signal,
  });
  const context = {
    logger,
    signal,
    prompter: NO_TERMINAL,
    mayOpenSession: false,
    beforeDial: async () => {},
  };
  return await openSsh2Transport(target, context);
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a connection of our own', () => {
  test('carries both ways, byte for byte, and each end by itself', async () => {
    const transport = await connect();
    await using destination = await openDestination((socket) => {
      void readToEnd(socket).then((bytes) => socket.end(bytes));
    });
    const socket = await transport.open({ host: 'localhost', port: destination.port }, signal);
    const sent = randomBytes(8 * 1024 * 1024);
    socket.end(sent);
    expect(digest(await readToEnd(socket))).toBe(digest(sent));
    if (!socket.closed) await once(socket, 'close');
    await transport.close();
  });

  test('holds the destination back while nobody reads', async () => {
    const transport = await connect();
    let sent = 0;
    await using destination = await openDestination((socket) => {
      const chunk = Buffer.alloc(256 * 1024);
      const write = (): void => {
        if (sent >= 64 * 1024 * 1024) return void socket.end();
        sent += chunk.length;
        socket.write(chunk, write);
      };
      write();
    });
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    let last = -1;
    await until(
      async () => {
        const hasGrown = sent !== last;
        last = sent;
        await new Promise((resolve) => setTimeout(resolve, 150));
        return !hasGrown && sent > 0;
      },
      { deadlineMs: 10_000, what: () => `a destination that waits, after ${sent} bytes` },
    );
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    let received = 0;
    socket.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    await once(socket, 'end');
    expect(received).toBe(64 * 1024 * 1024);
    socket.end();
    await transport.close();
  });

  test('that the destination breaks off is an error while it is sent to', async () => {
    const transport = await connect();
    await using destination = await openDestination((socket) => {
      socket.once('data', () => socket.resetAndDestroy());
    });
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    socket.resume();
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const chunk = Buffer.alloc(256 * 1024);
    const write = (): void => {
      if (!socket.destroyed) socket.write(chunk, write);
    };
    write();
    await closed;
    expect(socket.errored).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    await transport.close();
  });

  test('ends with an error when the bastion is lost, or the transport closed', async () => {
    const transport = await connect();
    await using destination = await openDestination((socket) => void socket.resume());
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    const reading = readToEnd(socket);
    const reset = expect(reading).rejects.toMatchObject({ code: 'ECONNRESET' });
    await transport.close();
    await reset;
    await expect(transport.open({ host: '127.0.0.1', port: 1 }, signal)).rejects.toMatchObject({
      code: 'ERR_BASTION_LOST',
      message: expect.stringContaining('the tunnel is closing'),
    });
  });

  test('that is destroyed is closed at the destination too', async () => {
    const transport = await connect();
    let closed = false;
    await using destination = await openDestination((socket) => {
      socket.resume();
      socket.once('end', () => {
        closed = true;
      });
    });
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    socket.destroy();
    await until(() => closed, { deadlineMs: 3_000, what: 'the end at the destination' });
    await transport.close();
  });
});

describe('a refusal', () => {
  test('tells what the bastion told', async () => {
    const transport = await connect();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    await expect(transport.open({ host: '127.0.0.1', port }, signal)).rejects.toMatchObject({
      code: 'ERR_CHANNEL_REFUSED',
      message: expect.stringMatching(new RegExp(`cannot open a connection to 127.0.0.1:${port}: .*refused`)),
      cause: { kind: 'refused', reason: 'connect-failed' },
    });
    await transport.close();
  });

  test('by PermitOpen names what to permit', async () => {
    await using strict = await startLoopbackSshd('PermitOpen 127.0.0.1:9');
    await strict.authorize(await strict.makeKey('user_key'));
    const hostKey = (await readFile(`${strict.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
    await writeFile(strict.knownHosts, `[127.0.0.1]:${strict.port} ${hostKey}\n`);
    const transport = await connect(strict);
    await expect(transport.open({ host: '10.0.0.8', port: 22 }, signal)).rejects.toMatchObject({
      code: 'ERR_CHANNEL_REFUSED',
      remedy: expect.stringContaining('10.0.0.8:22'),
      cause: { kind: 'refused', reason: 'prohibited' },
    });
    await transport.close();
  });

  test('nothing is waited for once the signal has fired', async () => {
    const transport = await connect();
    const stop = new AbortController();
    const opening = transport.open({ host: '192.0.2.1', port: 22 }, stop.signal);
    stop.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
    await expect(transport.open({ host: '192.0.2.1', port: 22 }, stop.signal)).rejects.toThrow('enough');
    await transport.close();
  });
});

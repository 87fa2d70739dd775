import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as afterReads } from 'node:timers/promises';
import type { Client } from 'ssh2';
import { afterEach, expect, test } from 'vitest';
import type { TshuttleError } from '../../../../../src/core/errors.ts';
import { setSocketOption } from '../../../../../src/net/native/socket-option.ts';
import { connectSockets } from '../../../../../src/net/sockets/socket-pair.ts';
import { resolveTarget } from '../../../../../src/ssh/config/target.ts';
import type { SshTarget } from '../../../../../src/ssh/ssh-target.ts';
import { type ConnectedBastion, connectBastion } from '../../../../../src/ssh/ssh2/connection/connect.ts';
import { type LivenessWatch, watchLiveness } from '../../../../../src/ssh/ssh2/connection/liveness.ts';
import { recordingLogger } from '../../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../../support/in-process/scripted-prompter.ts';
import { until } from '../../../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../../support/servers/loopback-sshd.ts';

const undo: Array<() => void | Promise<void>> = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
/** The kernel would have its socket take megabytes, where the reader is quick at first, and acknowledge them at once. */
const LINK_QUEUE_BYTES = 65_536;

/** Stands between client and bastion, and can be stopped: then nothing passes either way, and nothing is closed. */
interface Link {
  readonly port: number;
  /** Nothing passes any more. */
  stop(): void;
  /** What the bastion sends is held back, as behind a long queue. */
  holdAnswers(): void;
}

async function startLink(
  sshd: LoopbackSshd,
  onUp: (chunk: Buffer, to: Socket, from: Socket) => void,
): Promise<Link> {
  const sockets: Socket[] = [];
  let stopped = false;
  let held = false;
  const server = createServer((client) => {
    const bastion = connect({ host: '127.0.0.1', port: sshd.port });
    sockets.push(client, bastion);
    for (const socket of [client, bastion]) socket.on('error', () => {});
    client.on('data', (chunk) => {
      if (!stopped) onUp(chunk, bastion, client);
    });
    bastion.on('data', (chunk) => {
      if (!stopped && !held) client.write(chunk);
    });
    client.on('close', () => bastion.destroy());
    bastion.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  if (!setSocketOption(server, SOL_SOCKET, SO_RCVBUF, LINK_QUEUE_BYTES)) throw new Error('no SO_RCVBUF');
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    stop: () => {
      stopped = true;
    },
    holdAnswers: () => {
      held = true;
    },
  };
}

async function connectThrough(link: Link, sshd: LoopbackSshd, intervalMs: number): Promise<ConnectedBastion> {
  const logger = recordingLogger();
  const { signal } = new AbortController();
  const key = await sshd.makeKey('user_key');
  await sshd.authorize(key);
  const request = { ...sshd.request([key], 'StrictHostKeyChecking=accept-new'), port: link.port };
  const target: SshTarget = {
    ...(await resolveTarget(request, { logger, signal })),
    keepalive: { intervalMs, countMax: 3 },
  };
  const bastion = await connectBastion(target, {
    logger,
    prompter: NO_TERMINAL,
    signal,
    beforeDial: async () => {},
  });
  undo.push(() => {
    bastion.client.destroy();
  });
  return bastion;
}

test('an idle bastion is asked, answers, and lives; one behind a dead link is lost in time', async () => {
  const sshd = await startLoopbackSshd();
  undo.push(() => sshd[Symbol.asyncDispose]());
  const link = await startLink(sshd, (chunk, to) => to.write(chunk));
  const bastion = await connectThrough(link, sshd, 100);
  const deaths: TshuttleError[] = [];
  const watch = watchLiveness(bastion, (error) => deaths.push(error));
  const before = bastion.socket.bytesRead;
  await until(() => bastion.socket.bytesRead > before + 200, { deadlineMs: 5000, what: 'several answers' });
  expect(deaths).toEqual([]);
  const stoppedAtMs = performance.now();
  link.stop();
  await until(() => deaths.length > 0, { deadlineMs: 5000, what: 'the bastion is lost' });
  const tookMs = performance.now() - stoppedAtMs;
  expect(tookMs).toBeGreaterThan(190);
  expect(tookMs).toBeLessThan(1500);
  expect(deaths[0]).toMatchObject({
    code: 'ERR_BASTION_LOST',
    message: expect.stringContaining('for 0.3 s'),
  });
  watch.stop();
});

test('a slow uplink full of data is not taken for dead, nor when the network has changed', async () => {
  const sshd = await startLoopbackSshd();
  undo.push(() => sshd[Symbol.asyncDispose]());
  // 16 KiB every 40 ms or so: pings wait behind 1.9 MB, and their answers come in no sooner. Loopback tells the sender of
  // room in steps of less than 100 KB, here every 250 ms, and later on a busy machine: three intervals are far longer.
  const intervalMs = 400;
  let slow = false;
  let delivered = 0;
  const link = await startLink(sshd, (chunk, to, from) => {
    to.write(chunk);
    if (!slow) return;
    delivered += chunk.length;
    from.pause();
    setTimeout(() => from.resume(), (chunk.length / 16_384) * 40).unref();
  });
  const bastion = await connectThrough(link, sshd, intervalMs);
  const deaths: TshuttleError[] = [];
  const watch = watchLiveness(bastion, (error) => deaths.push(error));
  slow = true;
  const channel = await new Promise<import('ssh2').ClientChannel>((resolve, reject) => {
    bastion.client.exec('cat > /dev/null', (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  link.holdAnswers();
  channel.write(Buffer.alloc(1_900_000));
  watch.probe();
  const startedAtMs = performance.now();
  await until(() => deaths.length > 0 || delivered > 1_500_000, {
    deadlineMs: 15_000,
    what: 'the upload is through',
  });
  expect(deaths).toEqual([]);
  expect(performance.now() - startedAtMs).toBeGreaterThan(3 * intervalMs * 2);
  watch.stop();
});

test('the watch ends with the connection', async () => {
  const sshd = await startLoopbackSshd();
  undo.push(() => sshd[Symbol.asyncDispose]());
  const link = await startLink(sshd, (chunk, to) => to.write(chunk));
  const bastion = await connectThrough(link, sshd, 50);
  const deaths: TshuttleError[] = [];
  const listeners = bastion.socket.listenerCount('close');
  watchLiveness(bastion, (error) => deaths.push(error));
  expect(bastion.socket.listenerCount('close')).toBe(listeners + 1);
  bastion.client.destroy();
  await once(bastion.socket, 'close');
  expect(bastion.socket.listenerCount('close')).toBeLessThanOrEqual(listeners);
  expect(deaths).toEqual([]);
});

/** A bastion behind a way that is gone: nobody reads what it is asked, and no TCP acknowledges it. What it sends arrives at once. */
function watchUnreachable(intervalMs: number): {
  readonly peer: Socket;
  readonly watch: LivenessWatch;
  readonly deaths: TshuttleError[];
  /** Keepalives that were sent. */
  asked(): number;
} {
  const { near: socket, far: peer } = connectSockets();
  undo.push(() => {
    socket.destroy();
    peer.destroy();
  });
  socket.resume();
  let asked = 0;
  const ping = (): void => {
    asked += 1;
    socket.write(Buffer.alloc(100));
  };
  const client = { _protocol: { authPK: () => {}, ping }, _callbacks: [] } as unknown as Client;
  const target = { role: 'bastion', keepalive: { intervalMs, countMax: 2 } } as SshTarget;
  const deaths: TshuttleError[] = [];
  const bastion = { client, socket, target, description: 'gate.example' };
  const watch = watchLiveness(bastion, (error) => deaths.push(error));
  return { peer, watch, deaths, asked: () => asked };
}

/** In a timer, as all that is overdue after this process was stopped: nothing is read before it. */
async function inTimer(body: () => void): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(() => {
      body();
      resolve();
    }, 1);
  });
}

/** This process does nothing for so long. */
function stopFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('what had arrived while this process was stopped is no answer to what is asked after it', async () => {
  const { peer, watch, deaths, asked } = watchUnreachable(60_000);
  const askedAtMs = performance.now();
  await inTimer(() => {
    peer.write(Buffer.alloc(500));
    watch.probe();
  });
  await until(() => deaths.length > 0, { deadlineMs: 5_000, what: 'the bastion is lost' });
  expect(performance.now() - askedAtMs).toBeGreaterThan(990);
  expect(deaths[0]).toMatchObject({ message: expect.stringContaining('lost the bastion gate.example') });
  expect(asked()).toBe(1);
});

test('what arrives after it was asked is a sign of life', async () => {
  const { peer, watch, deaths, asked } = watchUnreachable(60_000);
  watch.probe();
  await afterReads();
  // While it is asked it is not asked a second time, but after that.
  watch.probe();
  expect(asked()).toBe(1);
  peer.write(Buffer.alloc(1));
  await until(() => asked() === 2, { deadlineMs: 5_000, what: 'it is asked again' });
  expect(deaths).toEqual([]);
  watch.stop();
});

test('what had arrived while this process was stopped counts before an overdue interval is judged', async () => {
  const { peer, watch, deaths, asked } = watchUnreachable(300);
  await until(() => asked() === 1, { deadlineMs: 5_000, what: 'a first silent interval' });
  // After the reads of this round: timers are next, overdue then.
  await afterReads();
  peer.write(Buffer.alloc(500));
  stopFor(350);
  await afterReads();
  await afterReads();
  expect(deaths).toEqual([]);
  watch.stop();
});

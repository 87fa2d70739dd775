import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';
import { answering, ask, forwardOf, freePort, openForwardingTunnel } from './forwarding-tunnel.ts';

const DEADLINE = { deadlineMs: 10_000, what: 'the flow is over' };

let sshd: LoopbackSshd;
let folder: string;
let logger: ReturnType<typeof recordingLogger>;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  await sshd.authorize(await sshd.makeKey('user_key'));
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-forwards-'));
});

beforeEach(() => {
  logger = recordingLogger();
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const open = (...forwards: readonly string[]) =>
  openForwardingTunnel({
    remotes: [sshd.request([join(sshd.directory, 'user_key')])],
    forwards,
    stateFolder: folder,
    logger,
  });

test('a port leads to the bastion’s own 127.0.0.1, on loopback of both families, and is counted as any flow', async () => {
  await using destination = await answering('db');
  const port = await freePort();
  await using tunnel = await open(`${port}:127.0.0.1:${destination.port}`);
  expect(tunnel.readyLine).toMatch(`forwarding localhost:${port} to 127.0.0.1:${destination.port} through`);
  for (const host of ['127.0.0.1', '::1']) expect(await ask({ host, port })).toBe('db: question');
  expect(tunnel.status()).toMatchObject({
    flows: { total: 2, opened: 2 },
    bytesUp: 16,
    bytesDown: 24,
  });
  await until(() => tunnel.endings(2).length === 2, DEADLINE);
  expect(tunnel.endings(1)).toMatchObject([{ destination: `127.0.0.1:${destination.port}`, end: 'eof' }]);
});

test('a unix socket is ours alone, leads to a unix socket of the bastion, and is gone at the end', async () => {
  const remote = createServer((socket) => socket.end('from a socket')).listen(join(folder, 'remote'));
  const local = join(folder, 'local');
  {
    await using tunnel = await open(`${local}:${join(folder, 'remote')}`);
    const { mode, uid } = await stat(local);
    expect([mode & 0o777, uid]).toEqual([0o600, process.geteuid?.()]);
    expect(await ask({ path: local })).toBe('from a socket');
    await until(() => tunnel.endings(1)[0]?.destination === join(folder, 'remote'), DEADLINE);
  }
  await expect(stat(local)).rejects.toMatchObject({ code: 'ENOENT' });
  remote.close();
});

test('a socket of the bastion that nobody listens at is a refusal, which is counted', async () => {
  const port = await freePort();
  await using tunnel = await open(`${port}:${join(folder, 'nobody')}`);
  await ask({ host: '127.0.0.1', port }).catch(() => {});
  await until(() => tunnel.status().failures.length > 0, DEADLINE);
  expect(tunnel.status().failures).toMatchObject([{ lastDestination: join(folder, 'nobody') }]);
});

test.each([
  [
    'a port',
    async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      return {
        where: String((server.address() as AddressInfo).port),
        why: 'another program has that port',
        free: () => server.close(),
      };
    },
  ],
  [
    'a port of ::1 alone',
    async () => {
      const server = createServer().listen({ port: 0, host: '::1' });
      await new Promise((resolve) => server.once('listening', resolve));
      return {
        where: String((server.address() as AddressInfo).port),
        why: 'another program has that port',
        free: () => server.close(),
      };
    },
  ],
  [
    'a file',
    async () => {
      await writeFile(join(folder, 'file'), 'mine');
      return {
        where: join(folder, 'file'),
        why: 'there is a file, which is left alone',
        free: () => {},
      };
    },
  ],
  [
    'a socket that is listened at',
    async () => {
      const server = createServer().listen(join(folder, 'taken'));
      await new Promise((resolve) => server.once('listening', resolve));
      return {
        where: join(folder, 'taken'),
        why: 'another program listens there',
        free: () => server.close(),
      };
    },
  ],
  [
    'a folder that is not there',
    async () => ({
      where: join(folder, 'no', 'where'),
      why: 'is not there',
      free: () => {},
    }),
  ],
])('%s is taken: nobody is connected to, and it stays as it was', async (_what, take) => {
  const { where, why, free } = await take();
  const logins = sshd.log();
  await expect(open(`${where}:db:1`)).rejects.toMatchObject({
    code: 'ERR_LISTEN',
    message: expect.stringContaining(why),
    remedy: expect.stringContaining('-L'),
  });
  expect(sshd.log()).toBe(logins);
  if (where.endsWith('/file')) expect(await readFile(where, 'utf8')).toBe('mine');
  free();
});

test('a socket that a killed tunnel has left behind is replaced', async () => {
  const path = join(folder, 'stale');
  await leaveSocket(path);
  await using destination = await answering('db');
  await using _tunnel = await open(`${path}:127.0.0.1:${destination.port}`);
  expect(await ask({ path })).toBe('db: question');
});

/** A socket of ours that nobody listens at. */
async function leaveSocket(path: string): Promise<void> {
  const child = new Child([
    process.execPath,
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`,
  ]);
  await child.untilOutput(/up/);
  child.kill('SIGKILL');
  await child.exited;
  expect((await stat(path)).isSocket()).toBe(true);
}

test('a change adds, removes and leads elsewhere at the same port; one that cannot be done changes nothing', async () => {
  await using one = await answering('one');
  await using other = await answering('other');
  const [kept, gone, added] = [await freePort(), await freePort(), await freePort()];
  await using tunnel = await open(`${kept}:127.0.0.1:${one.port}`, `${gone}:127.0.0.1:${one.port}`);
  await expect(
    tunnel.setForwards([`${added}:db:1`, `${sshd.port}:db:1`].map(forwardOf)),
  ).rejects.toMatchObject({ code: 'ERR_LISTEN' });
  await expect(ask({ host: '127.0.0.1', port: added })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
  expect(await ask({ host: '127.0.0.1', port: gone })).toBe('one: question');
  await tunnel.setForwards(
    [`${kept}:127.0.0.1:${other.port}`, `${added}:127.0.0.1:${one.port}`].map(forwardOf),
  );
  expect(await ask({ host: '127.0.0.1', port: kept })).toBe('other: question');
  expect(await ask({ host: '127.0.0.1', port: added })).toBe('one: question');
  await expect(ask({ host: '127.0.0.1', port: gone })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { Child } from '../../support/process/child.ts';
import { familiesOf } from '../../support/process/processes.ts';
import { until } from '../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';
import { answering, ask, freePort, openForwardingTunnel } from './forwarding-tunnel.ts';

let folder: string;
let bastions: readonly [LoopbackSshd, LoopbackSshd];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-several-'));
  bastions = await Promise.all([startLoopbackSshd(), startLoopbackSshd()]);
  const [a, b] = bastions;
  await a.authorize(await a.makeKey('user_key'));
  for (const name of ['user_key', 'user_key.pub'])
    await copyFile(join(a.directory, name), join(folder, name));
  await copyFile(join(a.directory, 'authorized_keys'), join(b.directory, 'authorized_keys'));
  for (const sshd of bastions) {
    const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
    await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
  }
});

afterEach(async () => {
  for (const sshd of bastions) await sshd[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** As when its machine goes off: the server, and every connection of it. */
async function kill({ pid }: LoopbackSshd): Promise<void> {
  const families = await familiesOf(pid);
  for (const one of [pid, ...families.flat()]) process.kill(one, 'SIGKILL');
}

const open = (
  port: number,
  destination: number,
  holdMs: number,
  options: Partial<Parameters<typeof openForwardingTunnel>[0]> = {},
) =>
  openForwardingTunnel({
    remotes: bastions.map((sshd) => sshd.request([join(folder, 'user_key')])),
    forwards: [`${port}:127.0.0.1:${destination}`],
    stateFolder: folder,
    logger: recordingLogger(),
    holdMs,
    ...options,
  });

test('one of two is killed under 200 requests a second: no new one is lost; with both gone they are held, then told', async () => {
  await using destination = await answering('db');
  const port = await freePort();
  await using tunnel = await open(port, destination.port, 5_000);
  const [a, b] = bastions;
  expect(tunnel.status().bastion).toContain(`:${a.port}`);
  // The second has not been dialled yet, and a user's own ssh to it goes direct all the same.
  const exempt = [`127.0.0.1:${a.port}`, `127.0.0.1:${b.port}`];
  await until(() => exempt.every((one) => tunnel.status().exempt?.includes(one)), {
    deadlineMs: 5_000,
    what: () => `both are exempt: ${tunnel.status().exempt?.join()}`,
  });

  const afterwards: Array<Promise<string>> = [];
  let killed: Promise<void> | undefined;
  for (let count = 0; count < 200; count += 1) {
    if (count === 60) killed = kill(a);
    // What is under way may break off with its connection.
    const asked = ask({ host: '127.0.0.1', port }, String(count));
    asked.catch(() => {});
    if (killed !== undefined) {
      await killed;
      if (count > 60) afterwards.push(asked);
    }
    await pause(5);
  }
  expect(await Promise.all(afterwards)).toEqual(afterwards.map((_one, index) => `db: ${index + 61}`));
  expect(tunnel.status()).toMatchObject({
    state: { kind: 'up' },
    reconnects: 1,
    bastion: expect.stringContaining(`:${b.port}`),
    bastions: [
      { isUsed: false, lastError: expect.stringMatching(/refused/) },
      { isUsed: true, lastError: null },
    ],
  });

  await kill(b);
  await until(() => tunnel.status().state.kind !== 'up', { deadlineMs: 10_000, what: 'the loss is known' });
  const startedAtMs = performance.now();
  await expect(ask({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(performance.now() - startedAtMs).toBeGreaterThan(4_500);
  await until(() => tunnel.status().failures.some(({ cause }) => cause === 'bastion-lost'), {
    deadlineMs: 5_000,
    what: 'it is counted',
  });
  expect(tunnel.status().lastError?.message).toMatch(
    /^none of 2 bastions can be used: .*refused.*; .*refused/,
  );
});

test('the second stands in where the first is not there, and does so from the start', async () => {
  await using destination = await answering('db');
  const port = await freePort();
  await kill(bastions[0]);
  await using tunnel = await open(port, destination.port, 1_000);
  expect(tunnel.readyLine).toContain(`:${bastions[1].port}`);
  expect(await ask({ host: '127.0.0.1', port })).toBe('db: question');
});

test('the first is gone back to once it answers again, while nothing flows', async () => {
  await using destination = await answering('db');
  const port = await freePort();
  const [a, b] = bastions;
  const logger = recordingLogger();
  await kill(a);
  await using tunnel = await open(port, destination.port, 1_000, { logger, returnQuietMs: 50 });
  expect(tunnel.status().bastion).toContain(`:${b.port}`);
  const hasTriedInVain = (): boolean => logger.lines.some((line) => line.includes('not back at'));
  await until(hasTriedInVain, { deadlineMs: 10_000, what: 'the first is tried' });
  const restarted = new Child(['/usr/sbin/sshd', '-D', '-e', '-f', join(a.directory, 'sshd_config')]);
  try {
    await restarted.untilOutput(/Server listening/);
    // One that stays idle tries once; the next time is when a flow has ended.
    expect(await ask({ host: '127.0.0.1', port })).toBe('db: question');
    await until(() => tunnel.status().bastion.includes(`:${a.port}`), {
      deadlineMs: 10_000,
      what: 'the first is used again',
    });
    expect(tunnel.status().bastions).toMatchObject([{ isUsed: true, lastError: null }, { isUsed: false }]);
    expect(await ask({ host: '127.0.0.1', port })).toBe('db: question');
  } finally {
    // Its sessions end with the tunnel.
    await tunnel.close();
    restarted.kill('SIGTERM');
    await restarted.exited;
  }
});

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import type { Ssh2Transport } from '../../../../src/ssh/ssh2/connected-transport.ts';
import { openSsh2Transport } from '../../../../src/ssh/ssh2/transport.ts';
import { carryFlow } from '../../../support/in-process/carry-flow.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { openSocketPair, readToEnd } from '../../../support/in-process/socket-pair.ts';
import { openDestination } from '../../../support/in-process/ssh2-pair.ts';
import { until } from '../../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

async function connect(
  sshd: LoopbackSshd,
  mayOpenSession: boolean,
  ...options: string[]
): Promise<Ssh2Transport> {
  const key = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${key}\n`);
  const logger = recordingLogger();
  const { signal } = new AbortController();
  const target = await resolveTarget(sshd.request([join(sshd.directory, 'user_key')], ...options), {
    logger,
    signal,
  });
  const context = { logger, signal, prompter: NO_TERMINAL, mayOpenSession, beforeDial: async () => {} };
  return await openSsh2Transport(target, context);
}

/** One flow there and back: more round trips than it takes to decide whether there is to be a session. */
async function expectToCarry(transport: Ssh2Transport): Promise<void> {
  await using destination = await openDestination((socket) => {
    void readToEnd(socket).then((bytes) => socket.end(bytes));
  });
  for (let flows = 0; flows < 3; flows += 1) {
    await using pair = await openSocketPair();
    void carryFlow(transport, pair.accepted, { host: '127.0.0.1', port: destination.port });
    pair.application.end('there and back');
    expect((await readToEnd(pair.application)).toString()).toBe('there and back');
  }
}

test('one session runs, and flows are carried', async () => {
  await using sshd = await startLoopbackSshd();
  await sshd.authorize(await sshd.makeKey('user_key'));
  const transport = await connect(sshd, true);
  await expectToCarry(transport);
  await until(() => sshd.log().includes('Starting session: command'), {
    deadlineMs: 5_000,
    what: () => `a session: ${sshd.log()}`,
  });
  await transport.close();
  expect(sshd.log().split('Starting session').length - 1).toBe(1);
});

test('no session where the key forces a command', async () => {
  await using sshd = await startLoopbackSshd();
  const key = await sshd.makeKey('user_key');
  const authorizedKey = await readFile(`${key}.pub`, 'utf8');
  await writeFile(join(sshd.directory, 'authorized_keys'), `command="touch ${key}.ran" ${authorizedKey}`);
  const transport = await connect(sshd, true);
  await expectToCarry(transport);
  await transport.close();
  expect(sshd.log()).not.toContain('Starting session');
});

test('no session for a user who wants none', async () => {
  await using sshd = await startLoopbackSshd();
  await sshd.authorize(await sshd.makeKey('user_key'));
  const transport = await connect(sshd, false);
  await expectToCarry(transport);
  await transport.close();
  expect(sshd.log()).not.toContain('Starting session');
});

test('a bastion that allows no session carries all the same', async () => {
  await using sshd = await startLoopbackSshd('MaxSessions 0');
  await sshd.authorize(await sshd.makeKey('user_key'));
  const transport = await connect(sshd, true);
  await expectToCarry(transport);
  await transport.close();
  expect(sshd.log()).not.toContain('Starting session');
});

test('a session that is still open when a compressed connection is closed does no harm', async () => {
  await using sshd = await startLoopbackSshd('ForceCommand exec sleep 20');
  await sshd.authorize(await sshd.makeKey('user_key'));
  const transport = await connect(sshd, true, 'Compression=yes');
  await expectToCarry(transport);
  await until(() => sshd.log().includes('Starting session: forced-command'), {
    deadlineMs: 5_000,
    what: () => `a session: ${sshd.log()}`,
  });
  await transport.close();
});

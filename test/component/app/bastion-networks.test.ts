import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { networksOfBastion } from '../../../src/app/bastion-networks/bastion-networks.ts';
import { resolveTarget } from '../../../src/ssh/config/target.ts';
import { openOpensshTransport } from '../../../src/ssh/openssh/transport.ts';
import { openSsh2Transport } from '../../../src/ssh/ssh2/transport.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../support/in-process/scripted-prompter.ts';
import { writeProgram } from '../../support/process/write-program.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
const { signal } = new AbortController();

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  await sshd.authorize(await sshd.makeKey('user_key'));
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

/** A program of the bastion's, before those of the machine. */
function install(name: string, ...lines: readonly string[]): void {
  writeProgram(join(sshd.directory, name), ['#!/bin/sh', ...lines, ''].join('\n'));
}

/** With no files that a shell would read first. */
const ownPath = () => `SetEnv PATH=${sshd.directory}:/usr/bin:/bin HOME=${sshd.directory}`;

/** What it captures by -N, or why it does not. */
async function networks(kind: 'ssh2' | 'openssh'): Promise<readonly string[]> {
  const logger = recordingLogger();
  const request = sshd.request([join(sshd.directory, 'user_key')]);
  const target = await resolveTarget(request, { logger, signal });
  const context = { logger, signal, mayOpenSession: false };
  const transport =
    kind === 'ssh2'
      ? await openSsh2Transport(target, { ...context, prompter: NO_TERMINAL, beforeDial: async () => {} })
      : await openOpensshTransport(target, request, { controlPath: undefined, carry: 'socks' }, context);
  try {
    const rules = await networksOfBastion(
      { askBastion: (command) => transport.run(command) },
      { logger, asked: [], families: [4, 6], ownNetworks: async () => [] },
    );
    return rules.map(({ where }) => where);
  } catch (error) {
    return [(error as Error).message];
  } finally {
    await transport.close();
  }
}

describe.each(['ssh2', 'openssh'] as const)('the networks of a bastion, by %s', (kind) => {
  test('that has ip', async () => {
    install(
      'ip',
      'case $1 in -4) echo 10.0.0.0/8 via 192.0.2.1 dev eth0;; -6) echo fd00::/64 dev eth0;; esac',
    );
    await sshd.reconfigure(ownPath());
    expect(await networks(kind)).toEqual(['-N 10.0.0.0/8', '-N fd00::/64']);
  });

  test('that has netstat alone', async () => {
    install('ip', 'exit 1');
    install('netstat', 'case $2 in "") echo 10.0.0.0 192.0.2.1 255.0.0.0 UG 0 0 0 eth0;; esac');
    await sshd.reconfigure(ownPath());
    expect(await networks(kind)).toEqual(['-N 10.0.0.0/8']);
  });

  test.each([
    ['/bin/false', /^the bastion does not tell its routes \(-N\): .*ForceCommand$/],
    ['yes this is only for forwarding', /^the bastion does not tell its routes \(-N\): /],
  ])('that forces the command %s', async (command, why) => {
    await sshd.reconfigure(`ForceCommand ${command}`, ownPath());
    expect(await networks(kind)).toEqual([expect.stringMatching(why)]);
  });

  test('that has no sessions', async () => {
    await sshd.reconfigure('MaxSessions 0');
    expect(await networks(kind)).toEqual([
      expect.stringMatching(/^the bastion does not tell its routes \(-N\): /),
    ]);
  });
});

test('the networks of a bastion that has the routes of the whole Internet', async () => {
  install(
    'ip',
    'i=0',
    'while [ $i -lt 3000 ]; do echo 10.$((i / 256)).$((i % 256)).0/24; i=$((i + 1)); done',
  );
  await sshd.reconfigure(ownPath());
  expect(await networks('ssh2')).toHaveLength(128);
});

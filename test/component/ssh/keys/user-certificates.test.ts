import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { connectBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { Child, mustRun } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

const { signal } = new AbortController();
const KINDS = [
  { kind: 'ed25519', arguments: ['-t', 'ed25519'] },
  { kind: 'ecdsa', arguments: ['-t', 'ecdsa', '-b', '384'] },
  { kind: 'rsa', arguments: ['-t', 'rsa', '-b', '2048'] },
] as const;

let sshd: LoopbackSshd;
let authority: string;
let agentSocket: string;
let agent: Child;

/** No key is let in by itself: only what the authority has certified. */
beforeAll(async () => {
  sshd = await startLoopbackSshd();
  authority = await sshd.makeKey('authority');
  await sshd.reconfigure(`TrustedUserCAKeys ${authority}.pub`);
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
  agentSocket = join(sshd.directory, 'agent.sock');
  agent = new Child(['ssh-agent', '-D', '-a', agentSocket]);
  await until(() => existsSync(agentSocket), { deadlineMs: 5_000, what: 'the agent listens' });
});

afterAll(async () => {
  agent.kill();
  await agent.exited;
  await sshd[Symbol.asyncDispose]();
});

function withAgent(...command: string[]): Promise<string> {
  return mustRun(command, { env: { SSH_AUTH_SOCK: agentSocket, PATH: process.env['PATH'] ?? '' } });
}

/** A key and a certificate over it for the account that we log in to; `more` are arguments of ssh-keygen. */
async function certified(name: string, keyArguments: readonly string[], ...more: string[]): Promise<string> {
  const key = await sshd.makeKey(name, ...keyArguments, '-N', '');
  const principal = more.length > 0 ? more : ['-n', sshd.request([]).user ?? 'root'];
  await mustRun(['ssh-keygen', '-q', '-s', authority, '-I', name, ...principal, `${key}.pub`]);
  return key;
}

async function login(
  identityFiles: readonly string[],
  options: readonly string[] = [],
  socket = '/nowhere',
): Promise<RecordingLogger> {
  const logger = recordingLogger();
  const target = await resolveTarget(sshd.request(identityFiles, `IdentityAgent=${socket}`, ...options), {
    logger,
    signal,
  });
  const context = { logger, signal, prompter: NO_TERMINAL, beforeDial: async () => {} };
  const { client, socket: connection } = await connectBastion(target, context);
  client.end();
  await until(() => connection.destroyed, { deadlineMs: 5_000, what: 'the end of the connection' });
  return logger;
}

const accepted = (): string =>
  sshd
    .log()
    .split('\n')
    .filter((line) => line.startsWith('Accepted publickey'))
    .at(-1) ?? '';

describe.each(KINDS)('a certificate over an $kind key', ({ kind, arguments: keyArguments }) => {
  test('beside its key file', async () => {
    const key = await certified(`${kind}_beside`, keyArguments);
    await login([key]);
    expect(accepted()).toContain(`-CERT SHA256`);
    expect(accepted()).toContain(`ID ${kind}_beside`);
  });

  test('by CertificateFile', async () => {
    const key = await certified(`${kind}_named`, keyArguments);
    const elsewhere = join(sshd.directory, `${kind}.certificate`);
    await writeFile(elsewhere, await readFile(`${key}-cert.pub`));
    await rm(`${key}-cert.pub`);
    await login([key], [`CertificateFile=${elsewhere}`]);
    expect(accepted()).toContain(`ID ${kind}_named`);
  });

  test('held by the agent', async () => {
    const key = await certified(`${kind}_agent`, keyArguments);
    await withAgent('ssh-add', '-q', key);
    await login([], [], agentSocket);
    expect(accepted()).toContain(`ID ${kind}_agent`);
    await withAgent('ssh-add', '-q', '-D');
  });

  test('in a file, its key in the agent', async () => {
    const key = await certified(`${kind}_split`, keyArguments);
    await writeFile(join(sshd.directory, `${kind}_cert`), await readFile(`${key}-cert.pub`));
    await rm(`${key}-cert.pub`);
    await withAgent('ssh-add', '-q', key);
    await rm(key);
    const options = ['IdentitiesOnly=yes', `CertificateFile=${join(sshd.directory, `${kind}_cert`)}`];
    await login([`${key}.pub`], options, agentSocket);
    expect(accepted()).toContain(`ID ${kind}_split`);
    await withAgent('ssh-add', '-q', '-D');
  });
});

test('a certificate for another account, and one that is over, do not let us in', async () => {
  for (const more of [
    ['-n', 'somebody-else'],
    ['-n', 'root', '-V', '20200101:20210101'],
  ]) {
    const key = await certified(`refused_${more.length}`, ['-t', 'ed25519'], ...more);
    await expect(login([key])).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining('ED25519-CERT SHA256'),
    });
  }
});

test('a certificate without its private key is named, not offered', async () => {
  const key = await certified('lonely', ['-t', 'ed25519']);
  const failure = login([], [`CertificateFile=${key}-cert.pub`]);
  await expect(failure).rejects.toMatchObject({
    message: expect.stringContaining('lonely-cert.pub is not at hand'),
  });
});

import { copyFile, readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { type PublicKey, parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import type { SshTarget } from '../../../../src/ssh/ssh-target.ts';
import { openSsh2Transport } from '../../../../src/ssh/ssh2/transport.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';
import { type SshChain, startSshChain } from '../../../support/servers/ssh-chain.ts';

const { signal } = new AbortController();
let heldHostKeys: Map<SshTarget, PublicKey>;
let logger: RecordingLogger;
let sshd: LoopbackSshd;
let target: SshTarget;

beforeEach(async () => {
  heldHostKeys = new Map();
  logger = recordingLogger();
  sshd = await startLoopbackSshd();
  const userKey = await sshd.makeKey('user_key');
  await sshd.authorize(userKey);
  // Nobody remembers the key but whoever holds it.
  const trust = ['StrictHostKeyChecking=accept-new', 'UserKnownHostsFile=/dev/null'];
  target = await resolveTarget(sshd.request([userKey], ...trust), { logger, signal });
});

afterEach(async () => {
  await sshd[Symbol.asyncDispose]();
});

/** Logs in and leaves. */
async function visit(to = target): Promise<void> {
  const context = { logger, prompter: NO_TERMINAL, signal, mayOpenSession: false, heldHostKeys };
  const transport = await openSsh2Transport(to, { ...context, beforeDial: async () => {} });
  await transport.close();
}

/** Gives a server another host key. */
async function replaceHostKey(server: LoopbackSshd): Promise<void> {
  const other = await server.makeKey('other_host_key');
  await copyFile(other, server.hostKeyFile);
  await copyFile(`${other}.pub`, `${server.hostKeyFile}.pub`);
  await server.reconfigure();
}

const loginsAt = (server: LoopbackSshd): number => server.log().split('Accepted publickey').length - 1;
/** What the bastion hears of a client that has authenticated, or has begun to. */
const attemptsAt = (server: LoopbackSshd): number =>
  server.log().split(/publickey for|authenticating user/).length;

test('a further connection takes the key of the first, though no file has it', async () => {
  await visit();
  const key = parsePublicKeyLine(await readFile(`${sshd.hostKeyFile}.pub`, 'utf8'));
  expect([...heldHostKeys.values()]).toEqual([key]);
  target = { ...target, hostKeys: { ...target.hostKeys, unknownKey: 'refuse' } };
  heldHostKeys = new Map([[target, key as PublicKey]]);
  await visit();
  expect(loginsAt(sshd)).toBe(2);
});

test('another key is refused in the key exchange: the bastion hears of no user', async () => {
  await visit();
  await replaceHostKey(sshd);
  const before = attemptsAt(sshd);
  await expect(visit()).rejects.toMatchObject({
    code: 'ERR_HOST_KEY',
    message: expect.stringContaining('on the connection before'),
  });
  expect(attemptsAt(sshd)).toBe(before);
  // Without a first connection there is nothing to hold it to.
  heldHostKeys = new Map();
  await visit();
});

test('a bastion with several keys is asked for the one that it has shown', async () => {
  const rsa = await sshd.makeKey('rsa_host_key', '-t', 'rsa', '-b', '2048', '-N', '');
  const ed25519 = await sshd.makeKey('ed25519_host_key');
  await copyFile(rsa, sshd.hostKeyFile);
  await copyFile(`${rsa}.pub`, `${sshd.hostKeyFile}.pub`);
  await sshd.reconfigure();
  await visit();
  await sshd.reconfigure(`HostKey ${ed25519}`);
  await visit();
  expect(loginsAt(sshd)).toBe(2);
});

test('a jump host is held to its key as the bastion is', async () => {
  const chain: SshChain = await startSshChain(2);
  try {
    await chain.configure({
      h1: ['UserKnownHostsFile /dev/null', 'StrictHostKeyChecking accept-new'],
      h2: ['ProxyJump h1'],
    });
    const nobody = { user: undefined, port: undefined, password: undefined, identityFiles: [], options: [] };
    const request = { host: 'h2', ...nobody, configFile: chain.configFile };
    const far = await resolveTarget(request, { logger, signal });
    await visit(far);
    const [jumpHost, bastion] = chain.servers as [LoopbackSshd, LoopbackSshd];
    await replaceHostKey(jumpHost);
    await expect(visit(far)).rejects.toMatchObject({
      code: 'ERR_HOST_KEY',
      message: expect.stringContaining(`:${jumpHost.port} shows`),
    });
    expect(loginsAt(jumpHost)).toBe(1);
    expect(loginsAt(bastion)).toBe(1);
  } finally {
    await chain[Symbol.asyncDispose]();
  }
});

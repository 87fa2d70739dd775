import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { type OpensshCarry, openOpensshTransport } from '../../../../src/ssh/openssh/transport.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { readToEnd } from '../../../support/in-process/socket-pair.ts';
import { openDestination } from '../../../support/in-process/ssh2-pair.ts';
import { mustRun } from '../../../support/process/child.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';
import { startAgent } from '../../../support/servers/ssh-agent.ts';

const { signal } = new AbortController();
const ALIAS = 'HostKeyAlias=bastion';
let sshd: LoopbackSshd;
let userKey: string;

const at = (name: string): string => join(sshd.directory, name);
const publicKey = async (file: string): Promise<string> =>
  (await readFile(`${file}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');

/** A server that shows a certificate over its key, and lets in one key and what the authority of users has certified. */
beforeAll(async () => {
  sshd = await startLoopbackSshd();
  userKey = await sshd.makeKey('user_key');
  await sshd.authorize(userKey);
  for (const name of ['user_authority', 'host_authority']) await sshd.makeKey(name);
  await certify('host_authority', sshd.hostKeyFile, '-h', '-n', 'bastion');
  await sshd.reconfigure(
    `HostCertificate ${sshd.hostKeyFile}-cert.pub`,
    `TrustedUserCAKeys ${at('user_authority')}.pub`,
  );
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

async function certify(authority: string, key: string, ...more: string[]): Promise<void> {
  await mustRun(['ssh-keygen', '-q', '-s', at(authority), '-I', 'of-the-test', ...more, `${key}.pub`]);
}

/** Logs in by ssh itself, with `ssh` asking nobody, and has bytes carried. */
async function carried(
  carry: OpensshCarry,
  identityFiles: readonly string[],
  ...options: string[]
): Promise<string> {
  const logger = recordingLogger();
  const strict = ['StrictHostKeyChecking=yes', 'BatchMode=yes', 'UpdateHostKeys=no'];
  const request = sshd.request(identityFiles, ...options, ...strict);
  const target = await resolveTarget(request, { logger, signal });
  const context = { logger, signal, mayOpenSession: false };
  const transport = await openOpensshTransport(target, request, { controlPath: undefined, carry }, context);
  try {
    await using destination = await openDestination((socket) => void socket.end('carried'));
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    return (await readToEnd(socket)).toString();
  } finally {
    await transport.close();
  }
}

describe.each(['socks', 'handover'] as const)('through ssh itself, by %s,', (carry) => {
  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['rsa', ['-t', 'rsa', '-b', '2048']],
  ])('a user certificate over an %s key counts, in a file and in the agent', async (kind, keyArguments) => {
    await writeFile(sshd.knownHosts, `@cert-authority bastion ${await publicKey(at('host_authority'))}\n`);
    const key = await sshd.makeKey(`${kind}_${carry}`, ...keyArguments, '-N', '');
    await certify('user_authority', key, '-n', sshd.request([]).user ?? 'root');
    const before = sshd.log().length;
    expect(await carried(carry, [key], ALIAS)).toBe('carried');
    await using agent = await startAgent(at(`agent_${kind}_${carry}`), [key]);
    await rm(key);
    await rm(`${key}-cert.pub`);
    expect(await carried(carry, [], ALIAS, `IdentityAgent=${agent.socket}`)).toBe('carried');
    const accepted = sshd
      .log()
      .slice(before)
      .match(/Accepted publickey .*-CERT SHA256:\S+ ID of-the-test/g);
    expect(accepted).toHaveLength(2);
  });

  test('a host certificate and a hashed name count', async () => {
    await writeFile(sshd.knownHosts, `@cert-authority bastion ${await publicKey(at('host_authority'))}\n`);
    expect(await carried(carry, [userKey], ALIAS)).toBe('carried');
    await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${await publicKey(sshd.hostKeyFile)}\n`);
    await mustRun(['ssh-keygen', '-q', '-H', '-f', sshd.knownHosts]);
    expect(await readFile(sshd.knownHosts, 'utf8')).toMatch(/^\|1\|/);
    expect(await carried(carry, [userKey])).toBe('carried');
  });
});

test('a revoked key, one that has changed and one that nobody knows are refused by ssh, each on one connection', async () => {
  const own = await publicKey(sshd.hostKeyFile);
  await writeFile(at('revoked'), `${own}\n`);
  const before = sshd.log().length;
  const refusals = [
    {
      knownHosts: `bastion ${own}\n`,
      options: [`RevokedHostKeys=${at('revoked')}`],
      remedy: 'do not connect',
    },
    { knownHosts: `bastion ${own}\n@revoked * ${own}\n`, options: [], remedy: 'do not connect' },
    { knownHosts: `bastion ${await publicKey(userKey)}\n`, options: [], remedy: "ssh-keygen -R 'bastion'" },
    { knownHosts: '', options: [], remedy: 'compare the fingerprint' },
  ];
  for (const { knownHosts, options, remedy } of refusals) {
    await writeFile(sshd.knownHosts, knownHosts);
    await expect(carried('socks', [userKey], ALIAS, ...options)).rejects.toMatchObject({
      code: 'ERR_HOST_KEY',
      remedy: expect.stringContaining(remedy),
    });
  }
  const log = sshd.log().slice(before);
  expect(log.match(/Connection from/g)).toHaveLength(refusals.length);
  expect(log).not.toContain('Accepted');
});

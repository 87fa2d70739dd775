import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { connectBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { outcomeOf, outcomeOfSsh } from '../../../support/in-process/bastion-outcome.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { mustRun } from '../../../support/process/child.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

const { signal } = new AbortController();
let sshd: LoopbackSshd;
let rsa: string;
let certified: string;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  const authority = await sshd.makeKey('authority');
  rsa = await sshd.makeKey('rsa_key', '-t', 'rsa', '-b', '2048', '-N', '');
  certified = await sshd.makeKey('certified_key');
  const user = sshd.request([]).user ?? 'root';
  await mustRun(['ssh-keygen', '-q', '-s', authority, '-I', 'id', '-n', user, `${certified}.pub`]);
  await sshd.authorize(rsa, certified);
  // Which algorithm a key was offered with is told from here on.
  await sshd.reconfigure('LogLevel DEBUG1', `TrustedUserCAKeys ${authority}.pub`);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

/** The algorithms that sshd has heard of, in order, from a login with PubkeyAcceptedAlgorithms. */
async function offered(identityFiles: readonly string[], accepted: string): Promise<string[]> {
  const before = sshd.log().length;
  const logger = recordingLogger();
  const options = [`PubkeyAcceptedAlgorithms=${accepted}`, 'StrictHostKeyChecking=accept-new'];
  const target = await resolveTarget(sshd.request(identityFiles, ...options), { logger, signal });
  const context = { logger, signal, prompter: NO_TERMINAL, beforeDial: async () => {} };
  try {
    const { client, socket } = await connectBastion(target, context);
    const closed = once(socket, 'close');
    client.end();
    await closed;
  } finally {
    expect(logger.lines.join('\n')).toContain(`pubkeyacceptedalgorithms ${accepted}`);
  }
  return [
    ...sshd
      .log()
      .slice(before)
      .matchAll(/test pkalg (\S+)/g),
  ].map(([, algorithm = '']) => algorithm);
}

test.each(['rsa-sha2-256', 'rsa-sha2-512'])(
  'an RSA key signs with %s where only that is accepted',
  async (only) => {
    expect(await offered([rsa], only)).toEqual([only]);
  },
);

test('a key that may not sign is not offered, and said so', async () => {
  expect(await offered([rsa, certified], 'ssh-ed25519')).toEqual(['ssh-ed25519']);
  await expect(offered([rsa], 'ssh-ed25519')).rejects.toMatchObject({
    code: 'ERR_BASTION_AUTH',
    message: expect.stringContaining('not in PubkeyAcceptedAlgorithms'),
  });
});

test('an RSA key that is smaller than RequiredRSASize is not offered, as by ssh', async () => {
  const request = sshd.request([rsa], 'RequiredRSASize=3072', 'StrictHostKeyChecking=accept-new');
  const before = sshd.log().length;
  expect(await outcomeOf(request, { logger: recordingLogger() })).toMatch(
    /^ERR_BASTION_AUTH: .*RSA SHA256:\S+ .* is skipped: it has 2048 bits, and RequiredRSASize is 3072/,
  );
  expect(sshd.log().slice(before)).not.toContain('test pkalg');
  expect(await outcomeOfSsh(request)).toBe('out');
});

test('a certificate has an algorithm of its own', async () => {
  const withCertificate = 'ssh-ed25519-cert-v01@openssh.com';
  expect(await offered([certified], withCertificate)).toEqual([withCertificate]);
});

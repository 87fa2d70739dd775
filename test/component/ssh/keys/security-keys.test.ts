import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { connectBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { mustRun } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';
import {
  makeSecurityKey,
  type SecurityKey,
  startSecurityKeyAgent,
} from '../../../support/servers/security-key-agent.ts';

const { signal } = new AbortController();
let sshd: LoopbackSshd;
let authority: string;
let interactions: number;
let agents = 0;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  authority = await sshd.makeKey('authority');
  await sshd.reconfigure(`TrustedUserCAKeys ${authority}.pub`);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

/** Logs in with an agent that holds this, in the form of `blob`. */
async function login(
  key: SecurityKey,
  blob = key.publicKey.blob,
  identityFiles: readonly string[] = [],
): Promise<RecordingLogger> {
  const logger = recordingLogger();
  interactions = 0;
  agents += 1;
  const socket = join(sshd.directory, `agent-${agents}.sock`);
  await using _agent = await startSecurityKeyAgent(socket, [{ blob, key }]);
  const options = [`IdentityAgent=${socket}`, 'StrictHostKeyChecking=accept-new'];
  const target = await resolveTarget(sshd.request(identityFiles, ...options), { logger, signal });
  const context = { logger, signal, prompter: NO_TERMINAL, beforeDial: async () => {} };
  const onInteractive = (): void => {
    interactions += 1;
  };
  const { client, socket: connection } = await connectBastion(target, { ...context, onInteractive });
  client.end();
  await until(() => connection.destroyed, { deadlineMs: 5_000, what: 'the end of the connection' });
  return logger;
}

const authorize = (...lines: readonly string[]): Promise<void> =>
  writeFile(join(sshd.directory, 'authorized_keys'), `${lines.join('\n')}\n`);

describe.each(['ed25519', 'ecdsa'] as const)('a security key with %s, held by the agent', (kind) => {
  test('lets us in, again and again; somebody may have to touch it, which is said', async () => {
    const key = makeSecurityKey(kind);
    await authorize(key.line);
    for (const signatures of [1, 2]) {
      const logger = await login(key);
      expect(key.signatures).toBe(signatures);
      expect(interactions).toBeGreaterThan(0);
      expect(logger.lines.join('\n')).toContain('touch the security key');
    }
    expect(sshd.log()).toMatch(new RegExp(`Accepted publickey .* ${kind.toUpperCase()}-SK SHA256:`));
  });

  test('that nobody touches is refused by sshd, and named', async () => {
    const key = makeSecurityKey(kind);
    key.isTouched = false;
    await authorize(key.line);
    await expect(login(key)).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining(`${kind.toUpperCase()}-SK SHA256:`),
    });
    await authorize(`no-touch-required ${key.line}`);
    await login(key);
  });

  test('lets us in by a certificate over it', async () => {
    const key = makeSecurityKey(kind);
    await authorize();
    const file = join(sshd.directory, `${kind}_sk.pub`);
    await writeFile(file, `${key.line}\n`);
    const user = sshd.request([]).user ?? 'root';
    await mustRun(['ssh-keygen', '-q', '-s', authority, '-I', `${kind}-token`, '-n', user, file]);
    const certificate = await readFile(join(sshd.directory, `${kind}_sk-cert.pub`), 'utf8');
    await login(key, parsePublicKeyLine(certificate)?.blob);
    expect(sshd.log()).toContain(`ID ${kind}-token`);
  });
});

test('a named security key that the agent has not: the remedy is to load it', async () => {
  const key = makeSecurityKey('ed25519');
  await authorize(key.line);
  const file = join(sshd.directory, 'id_ed25519_sk.pub');
  await writeFile(file, `${key.line}\n`);
  await login(key, key.publicKey.blob, [file]);
  const other = makeSecurityKey('ed25519');
  await expect(login(other, other.publicKey.blob, [file])).rejects.toMatchObject({
    message: expect.stringContaining('is in a security key (FIDO), and the agent has it not'),
    remedy: expect.stringContaining(`ssh-add ${file}`),
  });
});

import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { listAgentKeys, signWithAgent } from '../../../../src/ssh/keys/agent-client.ts';
import { type PublicKey, parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { encodeString, encodeUint32 } from '../../../../src/ssh/keys/wire.ts';
import { connectBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { mustRun } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';
import { writeProgram } from '../../../support/process/write-program.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';
import { makeSecurityKey } from '../../../support/servers/security-key-agent.ts';
import { type RunningAgent, startAgent } from '../../../support/servers/ssh-agent.ts';

const signal = new AbortController().signal;
let directory: string;
let sshd: LoopbackSshd;
const agents: RunningAgent[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tshuttle-agent-'));
  sshd = await startLoopbackSshd();
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
  await rm(directory, { recursive: true, force: true });
});

/** A real ssh-agent that holds these private keys. */
async function agentWith(name: string, keys: readonly string[]): Promise<string> {
  const agent = await startAgent(join(directory, `${name}.sock`), keys);
  agents.push(agent);
  return agent.socket;
}

let interactions = 0;

async function login(identityFiles: readonly string[], ...options: string[]): Promise<string> {
  const logger = recordingLogger();
  interactions = 0;
  const request = sshd.request(identityFiles, 'StrictHostKeyChecking=accept-new', ...options);
  const target = await resolveTarget(request, { logger, signal });
  const bastion = await connectBastion(target, {
    logger,
    prompter: NO_TERMINAL,
    signal,
    beforeDial: async () => {},
    onInteractive: () => {
      interactions += 1;
    },
  });
  const closed = once(bastion.socket, 'close');
  bastion.client.end();
  await closed;
  return logger.lines.join('\n');
}

/** The names of the keys that sshd says were offered, in order: their comments are their file names. */
async function offeredIn(log: string, keys: readonly string[]): Promise<string[]> {
  const names: Array<{ name: string; at: number }> = [];
  for (const key of keys) {
    const fingerprint = (await mustRun(['ssh-keygen', '-lf', key])).split(' ')[1] ?? '';
    names.push({ name: key.slice(key.lastIndexOf('/') + 1), at: log.indexOf(fingerprint) });
  }
  return names
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at)
    .map(({ name }) => name);
}

async function publicKeyOf(file: string): Promise<PublicKey> {
  const key = parsePublicKeyLine(await readFile(`${file}.pub`, 'utf8'));
  if (key === undefined) throw new Error(`no key in ${file}.pub`);
  return key;
}

describe('with a real ssh-agent', () => {
  test.each([
    ['ed25519', ['-t', 'ed25519', '-N', '']],
    ['ecdsa 256', ['-t', 'ecdsa', '-b', '256', '-N', '']],
    ['ecdsa 521', ['-t', 'ecdsa', '-b', '521', '-N', '']],
    ['rsa', ['-t', 'rsa', '-b', '2048', '-N', '']],
  ])('a key of type %s logs in', async (name, keygenArguments) => {
    const key = await sshd.makeKey(`agent_${name.replace(' ', '_')}`, ...keygenArguments);
    await sshd.authorize(key);
    const socket = await agentWith(name.replace(' ', '_'), [key]);
    await login([], `IdentityAgent=${socket}`, 'IdentityFile=none');
  });

  test('of eight keys five are offered, and the remedy is to name one; which then works', async () => {
    const keys = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((number) => sshd.makeKey(`many_${number}`)));
    const last = keys.at(-1) ?? '';
    await sshd.authorize(last);
    const socket = await agentWith('many', keys);
    const before = sshd.log().length;
    await expect(login([], `IdentityAgent=${socket}`)).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      remedy: expect.stringContaining('name the right one with -i FILE'),
    });
    expect(await offeredIn(sshd.log().slice(before), keys)).toEqual(
      keys.slice(0, 5).map((key) => key.slice(key.lastIndexOf('/') + 1)),
    );
    await login([last], `IdentityAgent=${socket}`);
    await mustRun(['rm', last]);
    await login([last], `IdentityAgent=${socket}`, 'IdentitiesOnly=yes');
    await login([`${last}.pub`], `IdentityAgent=${socket}`);
  });

  test('an agent whose user confirms each signature asks somebody, as far as can be told: it takes its time', async () => {
    const key = await sshd.makeKey('confirmed');
    await sshd.authorize(key);
    const askpass = join(directory, 'askpass');
    writeProgram(askpass, '#!/bin/sh\nsleep 1.2\n');
    await using slow = await startAgent(join(directory, 'confirmed.sock'), [key], askpass);
    await login([], `IdentityAgent=${slow.socket}`, 'IdentityFile=none');
    expect(interactions).toBe(1);
    await using quick = await startAgent(join(directory, 'unconfirmed.sock'), [key]);
    const asksNobody = async (): Promise<boolean> => {
      await login([], `IdentityAgent=${quick.socket}`, 'IdentityFile=none');
      return interactions === 0;
    };
    await until(asksNobody, { deadlineMs: 15_000, what: 'an agent that signs at once' });
  });

  test('a named file goes before the keys of the agent that nobody named', async () => {
    const keys = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => sshd.makeKey(`other_${name}`)),
    );
    const socket = await agentWith('others', keys);
    const named = await sshd.makeKey('named');
    await sshd.authorize(named);
    await login([named], `IdentityAgent=${socket}`);
  });

  test('signing keeps to the algorithm that was asked for', async () => {
    const key = await sshd.makeKey('sign_rsa', '-t', 'rsa', '-b', '2048', '-N', '');
    const socket = await agentWith('sign', [key]);
    const [listed] = await listAgentKeys(socket, signal);
    expect(listed?.comment).toBe('sign_rsa');
    const publicKey = await publicKeyOf(key);
    expect(listed?.publicKey.blob.equals(publicKey.blob)).toBe(true);
    const signatures = await Promise.all(
      ['rsa-sha2-256', 'rsa-sha2-512'].map((name) =>
        signWithAgent(socket, publicKey, Buffer.from('x'), name, signal),
      ),
    );
    expect(signatures[0]?.equals(signatures[1] ?? Buffer.alloc(0))).toBe(false);
    await expect(
      signWithAgent(socket, await publicKeyOf(sshd.hostKeyFile), Buffer.from('x'), 'ssh-ed25519', signal),
    ).rejects.toThrow('the agent refused to sign');
  });
});

describe('with an agent that is out of order', () => {
  const servers: Server[] = [];

  afterAll(() => {
    for (const server of servers) server.close();
  });

  /** An agent that answers every request with these bytes, or hangs up. */
  async function fakeAgent(name: string, answer: (request: Buffer, socket: Socket) => void): Promise<string> {
    const path = join(directory, `fake-${name}.sock`);
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (request) => answer(request, socket));
    });
    servers.push(server);
    server.listen(path);
    await once(server, 'listening');
    return path;
  }

  test.each<[string, (request: Buffer, socket: Socket) => void, RegExp]>([
    ['hangs up', (_request, socket) => socket.end(), /closed the connection/],
    ['fails', (_request, socket) => socket.write(encodeString(Buffer.of(5))), /does not list its keys/],
    [
      'sends too much',
      (_request, socket) => socket.write(encodeUint32(1 << 24)),
      /a reply of 16777216 bytes/,
    ],
    [
      'promises more keys than it sends',
      (_request, socket) => socket.write(encodeString(Buffer.concat([Buffer.of(12), encodeUint32(3)]))),
      /an incomplete list/,
    ],
    [
      'says it has millions of keys',
      (_request, socket) =>
        socket.write(encodeString(Buffer.concat([Buffer.of(12), encodeUint32(5_000_000)]))),
      /does not list its keys/,
    ],
  ])('that %s, the file is used, and the reason is logged', async (name, answer, reason) => {
    const socket = await fakeAgent(name.replaceAll(' ', '-'), answer);
    await expect(listAgentKeys(socket, signal)).rejects.toThrow(reason);
    const key = await sshd.makeKey(`file_${servers.length}`);
    await sshd.authorize(key);
    expect(await login([key], `IdentityAgent=${socket}`)).toMatch(reason);
  });

  test('that is not there, the same', async () => {
    const key = await sshd.makeKey('file_without_agent');
    await sshd.authorize(key);
    expect(await login([key], `IdentityAgent=${directory}/nobody`)).toMatch(/ENOENT/);
  });

  test('what is no certificate, and a type that nobody knows, are passed over, and said so', async () => {
    const blobs = ['ssh-unheard-of', 'ssh-ed25519-cert-v01@openssh.com'].map((type) =>
      Buffer.concat([encodeString(type), encodeString('x')]),
    );
    const list = Buffer.concat([
      Buffer.of(12),
      encodeUint32(2),
      ...blobs.flatMap((blob, index) => [encodeString(blob), encodeString(`key ${index}`)]),
    ]);
    const socket = await fakeAgent('unusable', (_request, connection) =>
      connection.write(encodeString(list)),
    );
    await expect(login([], `IdentityAgent=${socket}`)).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringMatching(
        /the agent's key 1 is not a user certificate.*key 0 is skipped: keys of type ssh-unheard-of/,
      ),
    });
  });

  test.each([
    ['plain', Buffer.alloc(0)],
    ['too long', Buffer.alloc(6)],
  ])('that signs like no security key (%s), it is said', async (_what, behind) => {
    const key = makeSecurityKey('ed25519').publicKey;
    const value = Buffer.concat([encodeString(key.type), encodeString(Buffer.alloc(64)), behind]);
    const socket = await fakeAgent(`malformed-${behind.length}`, (_request, connection) =>
      connection.write(encodeString(Buffer.concat([Buffer.of(14), encodeString(value)]))),
    );
    const signature = signWithAgent(socket, key, Buffer.from('x'), key.type, signal);
    await expect(signature).rejects.toThrow('a malformed signature of a security key');
  });

  test('that declines to sign, the next key is offered', async () => {
    const declined = await sshd.makeKey('declined');
    const usable = await sshd.makeKey('usable');
    await sshd.authorize(declined, usable);
    const { blob } = await publicKeyOf(declined);
    const list = Buffer.concat([
      Buffer.of(12),
      encodeUint32(1),
      encodeString(blob),
      encodeString('declined'),
    ]);
    const socket = await fakeAgent('declines', (request, connection) =>
      connection.write(encodeString(request[4] === 11 ? list : Buffer.of(5))),
    );
    await writeFile(join(directory, 'unused'), '');
    const log = await login([declined, usable], `IdentityAgent=${socket}`);
    expect(log).toContain('the agent refused to sign');
  });
});

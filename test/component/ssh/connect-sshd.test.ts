import { once } from 'node:events';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../src/net/address/endpoint.ts';
import type { SshRequest } from '../../../src/ssh/config/request.ts';
import { resolveTarget } from '../../../src/ssh/config/target.ts';
import type { Prompter } from '../../../src/ssh/prompter.ts';
import { type ConnectedBastion, connectBastion } from '../../../src/ssh/ssh2/connection/connect.ts';
import { type RecordingLogger, recordingLogger } from '../../support/in-process/recording-logger.ts';
import { NO_TERMINAL, scriptedPrompter } from '../../support/in-process/scripted-prompter.ts';
import { mustRun } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
let userKey: string;
let logger: RecordingLogger;
let dialled: Endpoint[];

beforeAll(async () => {
  sshd = await startLoopbackSshd('RekeyLimit 64K');
  userKey = await sshd.makeKey('user_key');
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

beforeEach(async () => {
  logger = recordingLogger();
  dialled = [];
  await sshd.authorize(userKey);
  await knowHost();
});

/** Files the server's key, or another line, as the only one. */
async function knowHost(line?: string): Promise<void> {
  const key = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, line ?? `[127.0.0.1]:${sshd.port} ${key}\n`);
}

async function connectTo(request: SshRequest, prompter: Prompter = NO_TERMINAL): Promise<ConnectedBastion> {
  const { signal } = new AbortController();
  const target = await resolveTarget(request, { logger, signal });
  return await connectBastion(target, {
    logger,
    prompter,
    signal,
    beforeDial: async (endpoint) => {
      dialled.push(endpoint);
    },
  });
}

async function hangUp(bastion: ConnectedBastion): Promise<void> {
  const closed = once(bastion.socket, 'close');
  bastion.client.end();
  await closed;
}

describe('with a key that is known', () => {
  test('connects, says to whom, and asks nobody', async () => {
    const bastion = await connectTo(sshd.request([userKey]));
    expect(dialled).toEqual([{ family: 4, address: '127.0.0.1', port: sshd.port }]);
    expect(bastion.route.dialled).toEqual(dialled[0]);
    const fingerprint = (await mustRun(['ssh-keygen', '-lf', sshd.hostKeyFile])).split(' ')[1];
    expect(bastion.hostKeyFingerprint).toBe(fingerprint);
    expect(bastion.algorithms).toMatchObject({ cipher: 'aes128-gcm@openssh.com', mac: 'implicit' });
    expect(bastion.description).toContain(`(127.0.0.1:${sshd.port})`);
    expect(bastion.client.listenerCount('error')).toBeGreaterThan(0);
    await hangUp(bastion);
  });

  test('tells what sshd says in debug messages, also after the handshake', async () => {
    const bastion = await connectTo(sshd.request([userKey]));
    await until(() => logger.lines.some((line) => line.includes('key options')), {
      deadlineMs: 5000,
      what: () => `key options in ${logger.lines.join('\n')}`,
    });
    await hangUp(bastion);
  });

  test('stays connected over many key exchanges with the same host key', async () => {
    const bastion = await connectTo(sshd.request([userKey]));
    let handshakes = 0;
    bastion.client.on('handshake', () => {
      handshakes += 1;
    });
    const received = await execute(bastion, 'head -c 1000000 /dev/zero');
    expect(received).toBe(1_000_000);
    expect(handshakes).toBeGreaterThan(3);
    await hangUp(bastion);
  });

  test.each([
    ['so many bytes', 'RekeyLimit=64K'],
    ['so long', 'RekeyLimit=default 1s'],
  ])('exchanges keys again by itself after %s', async (_limit, option) => {
    await using patient = await startLoopbackSshd();
    const key = await patient.makeKey('user_key');
    await patient.authorize(key);
    await writeFile(patient.knownHosts, await knownHostsLine(patient));
    const bastion = await connectTo(patient.request([key], option));
    let handshakes = 0;
    bastion.client.on('handshake', () => {
      handshakes += 1;
    });
    expect(await execute(bastion, 'head -c 8000000 /dev/zero')).toBe(8_000_000);
    await until(() => handshakes >= 2, { deadlineMs: 10_000, what: 'two key exchanges' });
    await hangUp(bastion);
  });

  test('uses a key that the bastion has of a type that is known, not the one it would prefer', async () => {
    const bastion = await connectTo(
      sshd.request([userKey], 'HostKeyAlgorithms=rsa-sha2-512,ssh-ed25519', 'Ciphers=aes256-ctr'),
    );
    expect(bastion.algorithms).toMatchObject({
      hostKey: 'ssh-ed25519',
      cipher: 'aes256-ctr',
      mac: 'hmac-sha2-256-etm@openssh.com',
    });
    await hangUp(bastion);
  });
});

describe('with a bastion without a post-quantum method of ours', () => {
  const SNTRUP = 'sntrup761x25519-sha512@openssh.com';

  test.each([
    { theirs: `${SNTRUP},curve25519-sha256`, missed: SNTRUP },
    { theirs: 'curve25519-sha256', missed: undefined },
  ])('$theirs: what it has of another is known', async ({ theirs, missed }) => {
    await sshd.reconfigure(`KexAlgorithms ${theirs}`);
    try {
      const bastion = await connectTo(sshd.request([userKey]));
      expect(bastion.algorithms.keyExchange).toBe('curve25519-sha256');
      expect(bastion.algorithms.postQuantumMissed).toBe(missed);
      await hangUp(bastion);
    } finally {
      await sshd.reconfigure('RekeyLimit 64K');
    }
  });

  test('it is said what both sides offer where they have nothing in common', async () => {
    await sshd.reconfigure(`KexAlgorithms ${SNTRUP}`);
    try {
      await expect(connectTo(sshd.request([userKey]))).rejects.toMatchObject({
        code: 'ERR_CONFIG',
        message: expect.stringMatching(
          /have no KexAlgorithms in common: it offers sntrup761x25519-sha512@openssh\.com.*; we offer mlkem768x25519-sha256, /,
        ),
        // OpenSSH for Windows opens no channels for us.
        remedy: (process.platform === 'win32' ? expect.not : expect).stringContaining('--transport openssh'),
      });
    } finally {
      await sshd.reconfigure('RekeyLimit 64K');
    }
  });
});

async function knownHostsLine(server: LoopbackSshd): Promise<string> {
  const key = (await readFile(`${server.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  return `[127.0.0.1]:${server.port} ${key}\n`;
}

function execute(bastion: ConnectedBastion, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    bastion.client.exec(command, (error, channel) => {
      if (error !== undefined) {
        reject(error);
        return;
      }
      let bytes = 0;
      channel.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      channel.on('close', () => resolve(bytes));
    });
  });
}

describe('with a host key that is not known', () => {
  beforeEach(async () => {
    await knowHost('# nobody\n');
  });

  test('fails without a terminal, with the fingerprint and the remedy, and writes nothing', async () => {
    const fingerprint = (await mustRun(['ssh-keygen', '-lf', sshd.hostKeyFile])).split(' ')[1];
    await expect(connectTo(sshd.request([userKey]))).rejects.toMatchObject({
      code: 'ERR_HOST_KEY',
      message: expect.stringContaining(`unknown host key, the ED25519 key ${fingerprint}`),
      remedy: expect.stringMatching(
        `^compare the fingerprint .* connect once on a terminal with: ssh -p ${sshd.port} [^ ]+@127.0.0.1$`,
      ),
    });
    expect(await readFile(sshd.knownHosts, 'utf8')).toBe('# nobody\n');
  });

  test.each([
    ['yes', 'no'],
    ['yes', 'yes'],
    ['the fingerprint', 'no'],
  ])('asks; %s is an answer; the key is filed with HashKnownHosts=%s', async (kind, hash) => {
    const fingerprint = (await mustRun(['ssh-keygen', '-lf', sshd.hostKeyFile])).split(' ')[1] ?? '';
    const user = scriptedPrompter('maybe', kind === 'yes' ? 'yes' : fingerprint);
    const bastion = await connectTo(sshd.request([userKey], `HashKnownHosts=${hash}`), user);
    expect(user.shown.join('\n')).toContain(`ED25519 key fingerprint is ${fingerprint}.`);
    expect(user.questions).toEqual([
      'Are you sure you want to continue connecting (yes/no/[fingerprint])? ',
      "Please type 'yes', 'no' or the fingerprint: ",
    ]);
    await hangUp(bastion);
    const text = await readFile(sshd.knownHosts, 'utf8');
    expect(text.startsWith('# nobody\n')).toBe(true);
    expect(text.includes('[127.0.0.1]')).toBe(hash === 'no');
    await mustRun(['ssh-keygen', '-F', `[127.0.0.1]:${sshd.port}`, '-f', sshd.knownHosts]);
    await hangUp(await connectTo(sshd.request([userKey])));
  });

  test('"no" ends it, and so does no answer', async () => {
    for (const user of [scriptedPrompter('no'), scriptedPrompter()]) {
      await expect(connectTo(sshd.request([userKey]), user)).rejects.toMatchObject({
        code: 'ERR_HOST_KEY',
        remedy: expect.stringContaining('compare the ED25519 fingerprint'),
      });
    }
    expect(await readFile(sshd.knownHosts, 'utf8')).toBe('# nobody\n');
  });

  test('accept-new files it without asking, in a file and a directory that it makes', async () => {
    const file = join(sshd.directory, 'new', 'ssh', 'known_hosts');
    const request = sshd.request([userKey], 'StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${file}`);
    await hangUp(await connectTo(request));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(file, '..'))).mode & 0o777).toBe(0o700);
    await hangUp(await connectTo(sshd.request([userKey], `UserKnownHostsFile=${file}`)));
  });

  test('StrictHostKeyChecking=yes and BatchMode fail though there is somebody to ask', async () => {
    for (const option of ['StrictHostKeyChecking=yes', 'BatchMode=yes']) {
      const user = scriptedPrompter('yes');
      await expect(connectTo(sshd.request([userKey], option), user)).rejects.toMatchObject({
        code: 'ERR_HOST_KEY',
      });
      expect(user.questions).toEqual([]);
    }
  });

  test('a host known by another type of key is not accepted as new', async () => {
    const rsa = await sshd.makeKey(`other_type_${Date.now()}`, '-t', 'ecdsa', '-N', '');
    await knowHost(`[127.0.0.1]:${sshd.port} ${await readFile(`${rsa}.pub`, 'utf8')}`);
    const request = sshd.request([userKey], 'StrictHostKeyChecking=accept-new');
    await expect(connectTo(request)).rejects.toMatchObject({ code: 'ERR_HOST_KEY' });
  });
});

describe('with a host key that is wrong', () => {
  test.each(['ask', 'no', 'accept-new'])(
    'a changed one is refused under StrictHostKeyChecking=%s',
    async (strict) => {
      const other = await readFile(`${userKey}.pub`, 'utf8');
      await knowHost(`# first line\n[127.0.0.1]:${sshd.port} ${other}`);
      const user = scriptedPrompter('yes');
      const fingerprints = await Promise.all(
        [sshd.hostKeyFile, userKey].map(
          async (file) => (await mustRun(['ssh-keygen', '-lf', file])).split(' ')[1],
        ),
      );
      const failure = await connectTo(sshd.request([userKey], `StrictHostKeyChecking=${strict}`), user).catch(
        (error: unknown) => error,
      );
      expect(failure).toMatchObject({
        code: 'ERR_HOST_KEY',
        message: expect.stringContaining(`${sshd.knownHosts}:2`),
        remedy: expect.stringContaining(`ssh-keygen -R '[127.0.0.1]:${sshd.port}'`),
      });
      for (const fingerprint of fingerprints) expect(String(failure)).toContain(fingerprint);
      expect(user.questions).toEqual([]);
    },
  );

  test('a revoked one is refused, though it is filed too', async () => {
    const key = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
    await knowHost(`[127.0.0.1]:${sshd.port} ${key}\n@revoked * ${key}\n`);
    await expect(connectTo(sshd.request([userKey]))).rejects.toMatchObject({
      code: 'ERR_HOST_KEY',
      message: expect.stringContaining(`${sshd.knownHosts}:2 revokes`),
    });
  });
});

describe('identity files', () => {
  test.each([
    ['ed25519', ['-t', 'ed25519', '-N', '']],
    ['ecdsa 521', ['-t', 'ecdsa', '-b', '521', '-N', '']],
    ['rsa', ['-t', 'rsa', '-b', '2048', '-N', '']],
    ['ecdsa in PEM', ['-t', 'ecdsa', '-m', 'PEM', '-N', '']],
    ['rsa in PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '']],
    ['rsa in PKCS#8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8', '-N', '']],
    ['ecdsa in PKCS#8', ['-t', 'ecdsa', '-m', 'PKCS8', '-N', '']],
  ])('%s, with and without .pub', async (name, keygenArguments) => {
    const key = await sshd.makeKey(`plain ${name}`.replaceAll(/\W/g, '_'), ...keygenArguments);
    await sshd.authorize(key);
    await hangUp(await connectTo(sshd.request([key])));
    await mustRun(['rm', `${key}.pub`]);
    await hangUp(await connectTo(sshd.request([key])));
  });

  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['ed25519 with aes256-gcm', ['-t', 'ed25519', '-Z', 'aes256-gcm@openssh.com']],
    ['ed25519 with chacha20-poly1305', ['-t', 'ed25519', '-Z', 'chacha20-poly1305@openssh.com']],
    ['rsa in PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['ecdsa in PKCS#8', ['-t', 'ecdsa', '-m', 'PKCS8']],
  ])('%s with a passphrase, with and without .pub', async (name, keygenArguments) => {
    const fileName = `secret ${name}`.replaceAll(/\W/g, '_');
    const key = await sshd.makeKey(fileName, ...keygenArguments, '-N', 'open sesame');
    await sshd.authorize(key);
    const question = `(hidden) Enter passphrase for key '${key}': `;
    for (const variant of ['with', 'without']) {
      if (variant === 'without') await mustRun(['rm', `${key}.pub`]);
      const user = scriptedPrompter('wrong', 'open sesame');
      await hangUp(await connectTo(sshd.request([key]), user));
      expect(user.questions).toEqual([question, question]);
      expect(user.shown).toEqual(['wrong passphrase, please try again']);
    }
    const forgetful = scriptedPrompter('1', '2', '3', '4');
    await expect(
      connectTo(sshd.request([key], 'PreferredAuthentications=publickey'), forgetful),
    ).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringMatching(
        new RegExp(`refused the login; wrong passphrase for ${key} \\(3 tries\\); it accepts: [a-z, -]+$`),
      ),
      remedy: `type it again, or load the key with ssh-add ${key}`,
    });
    expect(forgetful.questions).toHaveLength(3);
    await expect(connectTo(sshd.request([key]))).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining('no terminal'),
    });
    expect([...logger.lines, ...everythingSaid(forgetful)].join('\n')).not.toContain('open sesame');
  });

  test('the passphrase is asked for only when the bastion would take the key', async () => {
    const locked = await sshd.makeKey('locked_stranger', '-t', 'ed25519', '-N', 'secret');
    const user = scriptedPrompter('secret');
    await hangUp(await connectTo(sshd.request([locked, userKey]), user));
    expect(user.questions).toEqual([]);
  });

  test('a refused key is named, with what is still wanted', async () => {
    const stranger = await sshd.makeKey('stranger');
    const fingerprint = (await mustRun(['ssh-keygen', '-lf', stranger])).split(' ')[1];
    await expect(connectTo(sshd.request([stranger]))).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining(`tried: ED25519 ${fingerprint} (${stranger}); it accepts: publickey`),
      remedy: expect.stringContaining('-i FILE'),
    });
  });

  test('one that others may read is not used', async () => {
    const open = await sshd.makeKey('open');
    await sshd.authorize(open);
    await chmod(open, 0o644);
    await expect(connectTo(sshd.request([open]))).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining(`${open} is ignored: others may read it (mode 0644`),
    });
  });

  test('an existing file that is no key is named', async () => {
    const file = join(sshd.directory, 'no_key');
    await writeFile(file, 'hello\n');
    await expect(connectTo(sshd.request([file]))).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining(`${file} is not a private key`),
    });
  });
});

function everythingSaid(user: {
  readonly shown: readonly string[];
  readonly questions: readonly string[];
}): string[] {
  return [...user.shown, ...user.questions];
}

describe('several keys', () => {
  test('publickey,publickey wants two, and gets two', async () => {
    await using strict = await startLoopbackSshd('AuthenticationMethods publickey,publickey');
    const keys = await Promise.all(['one', 'two'].map((name) => strict.makeKey(name)));
    const stranger = await strict.makeKey('stranger');
    await strict.authorize(...keys);
    const request = strict.request(
      [keys[0] ?? '', stranger, keys[1] ?? ''],
      'StrictHostKeyChecking=accept-new',
    );
    await hangUp(await connectTo(request));
    await expect(connectTo(strict.request([keys[0] ?? '', stranger]))).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining('accepted so far: publickey; it accepts: publickey'),
    });
  });

  test('the bastion ends it when it has seen too many: what was tried is named', async () => {
    await using strict = await startLoopbackSshd('MaxAuthTries 2');
    const keys = await Promise.all(['one', 'two', 'three'].map((name) => strict.makeKey(name)));
    await expect(connectTo(strict.request(keys, 'StrictHostKeyChecking=accept-new'))).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringMatching(/one\), ED25519 .*two\).*Too many authentication failures/),
    });
  });
});

test('no algorithm in common names both lists and the keyword', async () => {
  await using strict = await startLoopbackSshd('Ciphers aes256-ctr', 'KexAlgorithms curve25519-sha256');
  const request = strict.request([userKey], 'Ciphers=aes128-ctr');
  await expect(connectTo(request)).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringMatching(/no Ciphers in common: it offers aes256-ctr; we offer aes128-ctr$/),
  });
});

test('a failed attempt leaves no connection', async () => {
  const stranger = await sshd.makeKey('stranger_left_behind');
  await expect(connectTo(sshd.request([stranger]))).rejects.toThrow();
  await until(
    async () =>
      !(await mustRun(['ss', '-tnH', 'state', 'established', `dport = :${sshd.port}`])).includes('127'),
    {
      deadlineMs: 5000,
      what: 'no connection to the bastion',
    },
  );
  const probe = connectSocket({ host: '127.0.0.1', port: sshd.port });
  await once(probe, 'connect');
  probe.destroy();
});

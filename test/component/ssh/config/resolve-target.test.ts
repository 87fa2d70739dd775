import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expandPath } from '../../../../src/ssh/config/path-tokens.ts';
import type { SshRequest } from '../../../../src/ssh/config/request.ts';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { mustRun } from '../../../support/process/child.ts';
import { writeProgram } from '../../../support/process/write-program.ts';

let directory: string;
let sshPath: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tshuttle-target-'));
  sshPath = (await mustRun(['sh', '-c', 'command -v ssh'])).trim();
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const REQUEST: SshRequest = {
  host: 'gate',
  user: undefined,
  port: undefined,
  password: undefined,
  identityFiles: [],
  options: [],
};

/** Resolves with the real ssh, but reading this configuration and no other; its arguments and environment are kept. */
async function resolveWith(
  config: string,
  request: Partial<SshRequest>,
  environment: Record<string, string> = {},
) {
  await writeFile(join(directory, 'config'), config);
  const bin = join(directory, 'bin');
  await mkdir(bin, { recursive: true });
  const script = [
    '#!/bin/sh',
    `printf '%s\\n' "$@" >> ${directory}/argv`,
    `env >> ${directory}/env`,
    'case "$1" in',
    `  -F) exec ${sshPath} "$@" ;;`,
    `  *) exec ${sshPath} -F ${directory}/config "$@" ;;`,
    'esac',
  ];
  writeProgram(join(bin, 'ssh'), `${script.join('\n')}\n`);
  const logger = recordingLogger();
  const target = await resolveTarget(
    { ...REQUEST, ...request },
    {
      logger,
      signal: new AbortController().signal,
      environment: { PATH: `${bin}:/usr/bin:/bin`, ...environment },
    },
  );
  return { target, lines: logger.lines };
}

describe('resolveTarget', () => {
  test('follows a Host alias, Match and Include as ssh itself does', async () => {
    await writeFile(join(directory, 'more'), 'Match exec true\n  Port 2022\n');
    const config = `Include ${directory}/more\nHost gate\n  HostName bastion.%h.example\n  User ops\n  IdentityFile ~/k-%h\n`;
    const { target } = await resolveWith(config, {});
    expect(target).toMatchObject({
      requestedHost: 'gate',
      host: 'bastion.gate.example',
      port: 2022,
      user: 'ops',
    });
    expect(target.authentication.identities).toEqual([
      { path: join(userInfo().homedir, 'k-bastion.gate.example'), origin: 'named' },
    ]);
  });

  test('what the request says goes before the configuration', async () => {
    const key = join(directory, 'a key');
    await writeFile(key, 'x');
    const config = 'Host *\n  User ops\n  Port 1\n  StrictHostKeyChecking no\n';
    const { target } = await resolveWith(config, {
      host: 'example.net',
      user: 'me',
      port: 2222,
      identityFiles: [key],
      options: ['StrictHostKeyChecking=yes', 'IdentitiesOnly yes'],
    });
    expect(target).toMatchObject({ host: 'example.net', user: 'me', port: 2222 });
    expect(target.hostKeys.unknownKey).toBe('refuse');
    expect(target.authentication.identitiesOnly).toBe(true);
    expect(target.authentication.identities).toContainEqual({ path: key, origin: 'named' });
  });

  test('is the local user by default, with the identities of OpenSSH', async () => {
    const { target } = await resolveWith('', {});
    expect(target.user).toBe(userInfo().username);
    expect(target.authentication.identities.map(({ origin }) => origin)).not.toContain('named');
    expect(target.authentication.identities.map(({ path }) => path)).toContain(
      join(userInfo().homedir, '.ssh/id_ed25519'),
    );
  });

  test('gives the password to nobody', async () => {
    await writeFile(join(directory, 'argv'), '');
    await writeFile(join(directory, 'env'), '');
    const environment = { TSHUTTLE_ARGS: '-r me:hunter2@gate' };
    const { target, lines } = await resolveWith('', { password: 'hunter2' }, environment);
    expect(target.authentication.password?.reveal()).toBe('hunter2');
    const seen = `${await readFile(join(directory, 'argv'), 'utf8')}${await readFile(join(directory, 'env'), 'utf8')}`;
    expect(seen).toContain('-G');
    expect(`${seen}${lines.join('')}`).not.toContain('hunter2');
  });

  test.each([
    ['a bad option', '', { options: ['NoSuchOption=1'] }, /nosuchoption/i],
    ['a bad value', '', { options: ['ConnectTimeout=soon'] }, /invalid time/i],
    ['a bad line', 'Host gate\n  Wrong line\n', {}, /config.* line 2.*wrong/i],
  ])('%s is a configuration error with the words of ssh', async (_name, config, request, words) => {
    await expect(resolveWith(config, request)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(words),
    });
  });

  test.each([['-oProxyCommand=touch /tmp/x'], [''], ['two words'], ['new\nline']])(
    'the host %j is refused',
    async (host) => {
      await expect(resolveWith('', { host })).rejects.toMatchObject({ code: 'ERR_USAGE' });
    },
  );

  test('a missing -i file is an error; one of which only the public half is there is not', async () => {
    const missing = join(directory, 'missing');
    await expect(resolveWith('', { identityFiles: [missing] })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: `cannot read the identity file ${missing}`,
    });
    await writeFile(join(directory, 'half.pub'), 'ssh-ed25519 AAAA');
    await expect(resolveWith('', { identityFiles: [join(directory, 'half')] })).resolves.toBeDefined();
  });

  test('without ssh there is one warning, and the request alone with its -o options', async () => {
    const logger = recordingLogger();
    const target = await resolveTarget(
      { ...REQUEST, port: 2222, options: ['StrictHostKeyChecking=yes', 'TCPKeepAlive=no'] },
      { logger, signal: new AbortController().signal, environment: { PATH: directory } },
    );
    expect(target).toMatchObject({ host: 'gate', port: 2222, user: userInfo().username });
    expect(target.hostKeys.unknownKey).toBe('refuse');
    expect(logger.lines).toHaveLength(1);
    expect(logger.lines[0]).toMatch(/^warn no ssh found.*have no effect: -o TCPKeepAlive=no$/);
  });

  test('ends with the signal while ssh hangs', async () => {
    const bin = join(directory, 'hanging');
    await mkdir(bin, { recursive: true });
    writeProgram(join(bin, 'ssh'), '#!/bin/sh\nexec sleep 60\n');
    const aborter = new AbortController();
    const resolved = resolveTarget(REQUEST, {
      logger: recordingLogger(),
      signal: aborter.signal,
      environment: { PATH: `${bin}:/usr/bin:/bin` },
    });
    aborter.abort(new Error('stopped'));
    await expect(resolved).rejects.toThrow('stopped');
  });
});

test('%C and the other tokens are those of ssh', async () => {
  const sshArguments = [
    '-F',
    'none',
    '-G',
    '-p',
    '2222',
    '-l',
    'ops',
    '-o',
    'ControlPath=/%d|%h|%i|%k|%l|%L|%n|%p|%r|%u|%C|%%',
  ];
  const output = await mustRun(['ssh', ...sshArguments, '--', 'Gate.Example']);
  const account = userInfo();
  const tokens = {
    homeDirectory: account.homedir,
    host: 'gate.example',
    hostKeyAlias: 'Gate.Example',
    requestedHost: 'Gate.Example',
    port: 2222,
    remoteUser: 'ops',
    localUser: account.username,
    localUserId: account.uid,
    localHost: hostname(),
  };
  const expanded = expandPath('/%d|%h|%i|%k|%l|%L|%n|%p|%r|%u|%C|%%', tokens, {});
  expect(/^controlpath (.*)$/m.exec(output)?.[1]).toBe(expanded);
});

test('a configuration that is a named pipe is refused at once, as one that ssh would wait for', async () => {
  const pipe = join(directory, 'pipe');
  await mustRun(['mkfifo', pipe]);
  await expect(resolveWith('', { configFile: pipe })).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: `cannot read the ssh configuration ${pipe}: it is a named pipe, not a file`,
  });
  expect((await resolveWith('', { configFile: '/dev/null' })).target.host).toBe('gate');
});

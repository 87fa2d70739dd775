import { lstat, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { formatKnownHost, parseKnownHosts } from '../../../../src/ssh/host-keys/known-hosts.ts';
import { type PublicKey, parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import type { ConnectedBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import {
  connectTo,
  hangUp,
  type Onlookers,
  outcomeOfSsh,
} from '../../../support/in-process/bastion-outcome.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { scriptedPrompter } from '../../../support/in-process/scripted-prompter.ts';
import { mustRun } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
let userKey: string;
let logger: RecordingLogger;

/** A server that has a new ecdsa key beside its known one, and no longer the key `old`. */
beforeAll(async () => {
  sshd = await startLoopbackSshd();
  userKey = await sshd.makeKey('user_key');
  await sshd.authorize(userKey);
  await sshd.makeKey('old');
  await sshd.makeKey('new', '-t', 'ecdsa', '-N', '');
  await sshd.makeKey('rsa', '-t', 'rsa', '-b', '2048', '-N', '');
  await sshd.reconfigure(`HostKey ${at('new')}`, `HostKey ${at('rsa')}`);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

beforeEach(async () => {
  logger = recordingLogger();
  await rm(sshd.knownHosts, { force: true });
  await rm(`${sshd.knownHosts}.old`, { force: true });
});

const at = (name: string): string => join(sshd.directory, name);
const request = (...options: string[]) => sshd.request([userKey], 'HostKeyAlias=bastion', ...options);

async function keyOf(name: string): Promise<PublicKey> {
  const key = parsePublicKeyLine(await readFile(at(`${name}.pub`), 'utf8'));
  if (key === undefined) throw new Error(`cannot read ${name}`);
  return key;
}

const lineOf = async (names: string, key: string): Promise<string> =>
  formatKnownHost(names, await keyOf(key), 'plain');

/** Connects, and goes on when the bastion has told its keys and everything about them is done. */
async function connectAndWait(options: readonly string[], onlookers: Onlookers = { logger }): Promise<void> {
  const bastion = await connectTo(request(...options), onlookers);
  // sshd answers in order: behind the proof.
  await answered(bastion);
  await until(
    () =>
      logger.lines.some((line) => /not updated|: learned|: removed|cannot update/.test(line)) ||
      onlookers.prompter !== undefined,
    {
      deadlineMs: 5000,
      what: () => `a word about the host keys in ${logger.lines.join('\n')}`,
    },
  );
  await hangUp(bastion);
}

function answered(bastion: ConnectedBastion): Promise<void> {
  return new Promise((resolve, reject) => {
    bastion.client.exec('true', (error, channel) => {
      if (error !== undefined) reject(error);
      else channel.resume().on('close', () => resolve());
    });
  });
}

interface Case {
  readonly name: string;
  readonly text: () => Promise<string>;
  readonly global?: boolean;
  readonly expected: RegExp;
}

const CHANGED = /: learned/;
const SKIPPED = /are not updated: /;

const CASES: readonly Case[] = [
  { name: 'learns the new ones', text: () => lineOf('bastion', 'host_key'), expected: CHANGED },
  {
    name: 'learns the new ones and forgets the old one, among other lines',
    text: async () =>
      `# mine\n${await lineOf('other', 'user_key')}${await lineOf('bastion', 'old')}${await lineOf('bastion', 'host_key')}\nwhat\n`,
    expected: CHANGED,
  },
  {
    name: 'forgets the old one',
    text: async () =>
      (await Promise.all(['old', 'new', 'rsa', 'host_key'].map((key) => lineOf('bastion', key)))).join(''),
    expected: /: removed/,
  },
  {
    name: 'at a line with an address',
    text: () => lineOf('bastion,10.0.0.1', 'host_key'),
    expected: CHANGED,
  },
  {
    name: 'at a line without newline',
    text: async () => (await lineOf('bastion', 'host_key')).trimEnd(),
    expected: CHANGED,
  },
  { name: 'not at a pattern', text: () => lineOf('bast*', 'host_key'), expected: SKIPPED },
  {
    name: 'not at a line with three names',
    text: () => lineOf('bastion,other,third', 'host_key'),
    expected: SKIPPED,
  },
  {
    name: 'not with an authority',
    text: async () =>
      `${await lineOf('bastion', 'host_key')}@cert-authority bastion ${(await lineOf('', 'old')).trim()}\n`,
    expected: SKIPPED,
  },
  {
    name: 'not with a key that is also under another name',
    text: async () => `${await lineOf('bastion', 'host_key')}${await lineOf('other', 'host_key')}`,
    expected: SKIPPED,
  },
  {
    name: 'not with a new key that is also under another name',
    text: async () => `${await lineOf('bastion', 'host_key')}${await lineOf('other', 'new')}`,
    expected: SKIPPED,
  },
  {
    name: 'not with an old key that is also under another name',
    text: async () =>
      `${await lineOf('bastion', 'host_key')}${await lineOf('bastion', 'old')}${await lineOf('other', 'old')}`,
    expected: SKIPPED,
  },
];

describe('UpdateHostKeys leaves in known_hosts what ssh leaves there:', () => {
  test.each(CASES)('$name', async ({ text, expected }) => {
    const before = await text();
    await writeFile(sshd.knownHosts, before);
    await connectAndWait(['UpdateHostKeys=yes', 'HashKnownHosts=no']);
    const ours = await readFile(sshd.knownHosts, 'utf8');
    expect(logger.lines.join('\n')).toMatch(expected);
    expect(ours === before).toBe(expected === SKIPPED);
    if (expected !== SKIPPED) expect(await readFile(`${sshd.knownHosts}.old`, 'utf8')).toBe(before);
    await writeFile(sshd.knownHosts, before);
    expect(await outcomeOfSsh(request('UpdateHostKeys=yes', 'HashKnownHosts=no'))).toBe('in');
    const theirs = await readFile(sshd.knownHosts, 'utf8');
    expect(ours.trimEnd().split('\n').sort()).toEqual(theirs.trimEnd().split('\n').sort());
  });
});

test('a new key is hashed where the user hashes, and ssh-keygen finds it', async () => {
  await writeFile(sshd.knownHosts, formatKnownHost('bastion', await keyOf('host_key'), 'hashed'));
  await connectAndWait(['UpdateHostKeys=yes', 'HashKnownHosts=yes']);
  const text = await readFile(sshd.knownHosts, 'utf8');
  expect(text).not.toContain('bastion');
  const found = await mustRun(['ssh-keygen', '-F', 'bastion', '-f', sshd.knownHosts]);
  expect(found.match(/found: line/g)).toHaveLength(3);
  await connectAndWait(['HostKeyAlgorithms=rsa-sha2-512', 'UpdateHostKeys=no'], {
    logger,
    prompter: scriptedPrompter(),
  });
});

test('a key of a type that HostKeyAlgorithms leaves out is not filed', async () => {
  await writeFile(sshd.knownHosts, await lineOf('bastion', 'host_key'));
  await connectAndWait(['UpdateHostKeys=yes', 'HostKeyAlgorithms=ssh-ed25519,rsa-sha2-256']);
  const types = parseKnownHosts(await readFile(sshd.knownHosts, 'utf8'), 'kh').map(({ key }) => key.type);
  expect(types).toEqual(['ssh-ed25519', 'ssh-rsa']);
});

test('a known_hosts that is a symbolic link stays one', async () => {
  await writeFile(at('linked'), await lineOf('bastion', 'host_key'));
  await symlink(at('linked'), sshd.knownHosts);
  await connectAndWait(['UpdateHostKeys=yes']);
  expect((await lstat(sshd.knownHosts)).isSymbolicLink()).toBe(true);
  expect(parseKnownHosts(await readFile(at('linked'), 'utf8'), 'kh')).toHaveLength(3);
});

describe('nothing is written', () => {
  test.each([
    ['with UpdateHostKeys=no', 'bastion', ['UpdateHostKeys=no']],
    ['when it asks and nobody is there', 'bastion', ['UpdateHostKeys=ask']],
  ])('%s', async (_name, names, options) => {
    const before = await lineOf(names, 'host_key');
    await writeFile(sshd.knownHosts, before);
    const bastion = await connectTo(request(...options), { logger });
    await answered(bastion);
    await answered(bastion);
    await hangUp(bastion);
    expect(await readFile(sshd.knownHosts, 'utf8')).toBe(before);
  });

  test('when the key is known from the files of all users', async () => {
    await writeFile(at('global'), await lineOf('bastion', 'host_key'));
    await writeFile(sshd.knownHosts, '');
    const options = ['UpdateHostKeys=yes', `GlobalKnownHostsFile=${at('global')}`];
    const all = { ...request(), options: [...options, ...request().options] };
    const bastion = await connectTo(all, { logger });
    await answered(bastion);
    await answered(bastion);
    await hangUp(bastion);
    expect(await readFile(sshd.knownHosts, 'utf8')).toBe('');
    expect((await readFile(at('global'), 'utf8')).split('\n')).toHaveLength(2);
  });

  test('when the key was accepted unasked, but itself', async () => {
    const bastion = await connectTo(
      request('UpdateHostKeys=yes', 'StrictHostKeyChecking=accept-new', 'HashKnownHosts=no'),
      { logger },
    );
    await answered(bastion);
    await answered(bastion);
    await hangUp(bastion);
    expect((await readFile(sshd.knownHosts, 'utf8')).trim().split('\n')).toHaveLength(1);
  });
});

describe('UpdateHostKeys=ask', () => {
  test.each([
    ['yes', 3],
    ['no', 1],
  ])('after the answer %s there are %i keys', async (answer, count) => {
    await writeFile(sshd.knownHosts, await lineOf('bastion', 'host_key'));
    const prompter = scriptedPrompter('perhaps', answer);
    const bastion = await connectTo(request('UpdateHostKeys=ask'), { logger, prompter });
    await until(() => prompter.questions.length === 2, { deadlineMs: 5000, what: 'two questions' });
    expect(prompter.shown.join('\n')).toContain('learned the new host key, ECDSA key SHA256:');
    await answered(bastion);
    const keys = async (): Promise<number> =>
      parseKnownHosts(await readFile(sshd.knownHosts, 'utf8'), 'kh').length;
    await until(async () => (await keys()) === count, { deadlineMs: 5000, what: `${count} keys` });
    await hangUp(bastion);
  });
});

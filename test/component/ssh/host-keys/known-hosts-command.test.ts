import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { askKnownHostsCommand } from '../../../../src/ssh/host-keys/known-hosts-command.ts';
import { outcomeOf, outcomeOfSsh } from '../../../support/in-process/bastion-outcome.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { mustRun, runCommand } from '../../../support/process/child.ts';
import { writeProgram } from '../../../support/process/write-program.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
let userKey: string;
let logger: RecordingLogger;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  userKey = await sshd.makeKey('user_key');
  await sshd.authorize(userKey);
  await sshd.makeKey('ca');
  await mustRun(['ssh-keygen', '-q', '-s', at('ca'), '-I', 'the-bastion', '-h', at('host_key.pub')]);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

beforeEach(async () => {
  logger = recordingLogger();
  await writeFile(sshd.knownHosts, '');
});

const lookupName = (): string => `[127.0.0.1]:${sshd.port}`;
const at = (name: string): string => join(sshd.directory, name);
const keyOf = async (name: string): Promise<string> =>
  (await readFile(at(`${name}.pub`), 'utf8')).split(' ').slice(0, 2).join(' ');

/** A program that writes down how it was called. */
function program(...commands: string[]): string {
  writeProgram(
    at('command'),
    ['#!/bin/sh', `printf '<%s>' "$@" >> ${at('calls')}; echo >> ${at('calls')}`, ...commands, ''].join('\n'),
  );
  return at('command');
}

/** What the program was called with by `run`. */
async function callsBy(
  run: () => Promise<string>,
): Promise<{ readonly outcome: string; readonly calls: string }> {
  await rm(at('calls'), { force: true });
  const outcome = await run();
  return { outcome, calls: await readFile(at('calls'), 'utf8').catch(() => '') };
}

/** OpenSSH's name in `ORDER` is without port and alias before 9.6, and else the one that is looked up, as ours. */
async function sshNamesPlainHost(): Promise<boolean> {
  const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/.exec((await runCommand(['ssh', '-V'])).stderr) ?? [];
  return Number(major) < 9 || (Number(major) === 9 && Number(minor) < 6);
}

async function compare(command: string, ...options: string[]) {
  const request = sshd.request(
    [userKey],
    `KnownHostsCommand=${command}`,
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    ...options,
  );
  const ours = await callsBy(() => outcomeOf(request, { logger }));
  const theirs = await callsBy(() => outcomeOfSsh(request));
  const alias = options.map((option) => /^HostKeyAlias=(.*)/.exec(option)?.[1]).find(Boolean);
  const expected = (await sshNamesPlainHost())
    ? theirs.calls.replace('<127.0.0.1><ORDER>', `<${alias ?? lookupName()}><ORDER>`)
    : theirs.calls;
  expect(ours.calls).toBe(expected);
  expect(ours.outcome === 'in' ? 'in' : 'out').toBe(theirs.outcome);
  return ours;
}

const TOKENS = '%H %I %t %f %K %% %h %p %r %n "two words" \u0024{HOME}';

test('a key that the program names is trusted, and the program is called as by ssh', async () => {
  const command = program(`echo "${lookupName()} ${await keyOf('host_key')}"`);
  const { outcome, calls } = await compare(`${command} ${TOKENS}`);
  expect(outcome).toBe('in');
  expect(calls.split('\n')).toEqual([
    expect.stringContaining(`<${lookupName()}><ORDER><NONE><NONE><NONE><%><127.0.0.1>`),
    expect.stringMatching(/^<\[127.*\]:\d+><HOSTNAME><ssh-ed25519><SHA256:\S{43}><AAAA\S+><%>.*<two words></),
    '',
  ]);
  expect(await readFile(sshd.knownHosts, 'utf8')).toBe('');
});

test('an authority that the program names is trusted', async () => {
  await sshd.reconfigure(`HostCertificate ${at('host_key-cert.pub')}`);
  const command = program(`echo "@cert-authority * ${await keyOf('ca')}"`);
  const { outcome, calls } = await compare(`${command} ${TOKENS}`, 'HostKeyAlias=bastion');
  expect(outcome).toBe('in');
  expect(calls).toContain('<bastion><ORDER><NONE>');
  expect(calls).toContain('<bastion><HOSTNAME><ssh-ed25519-cert-v01@openssh.com><SHA256:');
  await sshd.reconfigure();
});

test('a key that the program names for the host without its port does not count', async () => {
  const { outcome } = await compare(program(`echo "127.0.0.1 ${await keyOf('host_key')}"`));
  expect(outcome).toMatch(/^ERR_HOST_KEY: .*unknown host key/);
});

test('a key that the program revokes is refused, whatever the files say', async () => {
  await writeFile(sshd.knownHosts, `* ${await keyOf('host_key')}\n`);
  const { outcome } = await compare(program(`echo "@revoked * ${await keyOf('host_key')}"`));
  expect(outcome).toMatch(/^ERR_HOST_KEY: .*KnownHostsCommand-HOSTNAME:1 revokes/);
});

test('a program that says nothing leaves the files', async () => {
  await writeFile(sshd.knownHosts, `* ${await keyOf('host_key')}\n`);
  expect((await compare(program())).outcome).toBe('in');
});

test('a program that fails lets nobody in, and what it said is told', async () => {
  await writeFile(sshd.knownHosts, `* ${await keyOf('host_key')}\n`);
  const { outcome } = await compare(program('echo "no \u001bdirectory" >&2', 'exit 3'));
  expect(outcome).toMatch(/^ERR_HOST_KEY: KnownHostsCommand \S+ \(ORDER\) failed: it ended with 3/);
  expect(logger.lines).toContain('info KnownHostsCommand: no directory');
});

test.each([
  ['a program that is not there', '/nonexistent/program', /ENOENT/],
  ['a program that says too much', '/usr/bin/yes', /maxBuffer/],
])('%s', async (_name, path, message) => {
  const question = { invocation: 'ORDER', name: 'bastion' } as const;
  const { signal } = new AbortController();
  await expect(askKnownHostsCommand([path], question, { logger, signal })).rejects.toThrow(message);
});

test('a program is ended when nobody waits for it any more', async () => {
  const question = { invocation: 'ORDER', name: 'bastion' } as const;
  const stop = new AbortController();
  const asked = askKnownHostsCommand(['/bin/sleep', '30'], question, { logger, signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(asked).rejects.toThrow('enough');
});

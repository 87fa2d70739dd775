import { spawnSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Child } from '../support/process/child.ts';
import { until } from '../support/process/until.ts';

/*
 * Real rules on this very machine, where there are no namespaces: for macOS and FreeBSD. It needs root and an address of its own on
 * loopback, and uses nobody's networks (RFC 5737, RFC 3849). The bastion is a server of ssh in this process, which connects to itself whatever
 * it is asked for, and notes it: what it sees was captured, and no packet leaves the machine.
 */

const CAPTURED = '198.51.100.7';
const CAPTURED_BY_SECOND = '203.0.113.7';
const CAPTURED6 = '2001:db8:99::7';
/** An alias on loopback, within what is captured, and excluded. */
const EXCLUDED = '198.51.100.9';
const READY = /^tshuttle: .* through .*, by \w+/m;
const LOOPBACK = process.platform === 'linux' ? 'lo' : 'lo0';
/** What removes the rules after SIGKILL is a process beside the helper where the kernel has no owner of rules. */
const GONE_MS = 10_000;

const folder = mkdtempSync(join(tmpdir(), 'tshuttle-loopback-'));
const key = join(folder, 'key');
const running = new Set<Child>();
let echo: TcpServer;
let direct: TcpServer;
let port: number;
let bastion: ssh2.Server;
let second: ssh2.Server;
const asked: string[] = [];

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

function run(...words: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(words[0]!, words.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  return stdout;
}

async function listen(server: TcpServer, at: string, wanted = 0): Promise<TcpServer> {
  server.listen(wanted, at);
  await once(server, 'listening');
  return server;
}

/** Answers with a word, and what it was sent. */
const answering = (word: string): TcpServer =>
  createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.end(`${word} ${Buffer.concat(chunks).toString()}`));
  });

async function makeBastion(name: string): Promise<ssh2.Server> {
  const hostKey = ssh2.utils.generateKeyPairSync('ed25519').private;
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
    connection.on('error', () => {});
    connection.on('authentication', (context) => context.accept());
    connection.on('tcpip', (accept, _reject, { destIP, destPort }) => {
      asked.push(`${name} ${destIP}:${destPort}`);
      const channel = accept();
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      channel.on('error', () => {});
      socket.on('error', () => channel.close());
      channel.pipe(socket).pipe(channel);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function start(server: ssh2.Server, ...words: readonly string[]): Promise<Child> {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'IdentitiesOnly=yes'];
  const child = new Child([
    ...[process.execPath, resolve('bin/tshuttle'), '-r', `me@127.0.0.1:${portOf(server)}`, '-i', key],
    ...options.flatMap((option) => ['-o', option]),
    ...words,
  ]);
  running.add(child);
  await child.untilOutput(READY, 30_000);
  return child;
}

/** What an application is answered that sends a word; undefined when nothing comes of it. */
async function ask(address: string, word: string): Promise<string | undefined> {
  const socket = connect({ port, host: address, allowHalfOpen: true });
  socket.on('error', () => {});
  socket.end(word);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const ended = once(socket, 'close').then(
    () => Buffer.concat(chunks).toString() || undefined,
    () => undefined,
  );
  socket.on('end', () => socket.destroy());
  const answer = await Promise.race([ended, delay(5_000)]);
  socket.destroy();
  return answer ?? undefined;
}

/** An application that waits for an answer: its connection is open, as far as the bastion. */
async function waitingApplication(address: string): Promise<{ socket: Socket; ended: Promise<string> }> {
  const before = asked.length;
  const socket = connect({ port, host: address, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const ended = new Promise<string>((resolve) => {
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()));
    socket.on('error', ({ message }) => resolve(message));
  });
  await until(() => asked.length > before, { deadlineMs: 10_000, what: 'the bastion is asked' });
  return { socket, ended };
}

/** All that a packet filter shows of ours. */
function rules(): string {
  if (process.platform === 'linux') return run('nft', 'list', 'ruleset');
  const { stdout } = spawnSync('pfctl', ['-v', '-s', 'Anchors'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((anchor) => anchor.includes('tshuttle'))
    .map((anchor) => {
      const shown = ['rules', 'nat'].map(
        (what) => spawnSync('pfctl', ['-a', anchor, '-s', what], { encoding: 'utf8' }).stdout,
      );
      return `${anchor}: ${shown.join('')}`;
    })
    .filter((text) => /pass|rdr|block/.test(text))
    .join('\n');
}

async function expectNothingLeft(): Promise<void> {
  await until(() => !/tshuttle/.test(rules()), {
    deadlineMs: GONE_MS,
    what: () => `no rule of ours:\n${rules()}`,
  });
}

/** The helper of a tunnel: the one child that runs it, perhaps behind others. */
function helperOf(child: Child): number {
  const all = run('ps', '-axo', 'pid=,ppid=,command=')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const below = (pid: string): string[] =>
    all.filter(([, parent]) => parent === pid).flatMap(([own = '']) => [own, ...below(own)]);
  const helper = below(`${child.pid}`).find((pid) =>
    all.some(([own, , ...words]) => own === pid && words.join(' ').includes('tshuttle-helper')),
  );
  if (helper === undefined) throw new Error('there is no helper');
  return Number(helper);
}

beforeAll(async () => {
  run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key);
  if (process.platform === 'linux') run('ip', 'addr', 'add', `${EXCLUDED}/32`, 'dev', LOOPBACK);
  else run('ifconfig', LOOPBACK, 'inet', EXCLUDED, 'netmask', '255.255.255.255', 'alias');
  echo = await listen(answering('captured'), '127.0.0.1');
  port = portOf(echo);
  direct = await listen(answering('direct'), EXCLUDED, port);
  bastion = await makeBastion('first');
  second = await makeBastion('second');
}, 60_000);

/** One test that has failed leaves nothing to the next. */
afterEach(async () => {
  for (const child of running) child.kill('SIGTERM');
  await Promise.all([...running].map((child) => child.exited));
  running.clear();
}, 60_000);

afterAll(() => {
  for (const server of [echo, direct, bastion, second]) server?.close();
  if (process.platform === 'linux') run('ip', 'addr', 'del', `${EXCLUDED}/32`, 'dev', LOOPBACK);
  else run('ifconfig', LOOPBACK, 'inet', EXCLUDED, '-alias');
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe('on this machine itself', { timeout: 120_000 }, () => {
  test('bytes go both ways, excludes and own addresses do not, and the end is clean', async () => {
    const before = process.platform === 'linux' ? '' : run('pfctl', '-s', 'info').split('\n')[0];
    const tunnel = await start(bastion, '198.51.100.0/24', '-x', EXCLUDED);
    const word = 'x'.repeat(300_000);
    expect(await ask(CAPTURED, word)).toBe(`captured ${word}`);
    expect(asked).toContain(`first ${CAPTURED}:${port}`);
    expect(await ask(EXCLUDED, 'own')).toBe('direct own');
    expect(asked.filter((one) => one.includes(EXCLUDED))).toEqual([]);
    tunnel.kill('SIGTERM');
    const { code, stderr } = await tunnel.exited;
    expect(code, stderr).toBe(0);
    await expectNothingLeft();
    expect(await ask(EXCLUDED, 'after')).toBe('direct after');
    if (process.platform !== 'linux')
      expect(run('pfctl', '-s', 'info').split('\n')[0]?.split(' ')[1]).toBe(before?.split(' ')[1]);
  });

  test('two at once, each with its own', async () => {
    const tunnels = [await start(bastion, '198.51.100.0/24'), await start(second, '203.0.113.0/24')];
    for (const [address, name] of [
      [CAPTURED, 'first'],
      [CAPTURED_BY_SECOND, 'second'],
    ] as const) {
      expect(await ask(address, name)).toBe(`captured ${name}`);
      expect(asked).toContain(`${name} ${address}:${port}`);
    }
    tunnels[0]?.kill('SIGTERM');
    await tunnels[0]?.exited;
    expect(await ask(CAPTURED_BY_SECOND, 'still')).toBe('captured still');
    tunnels[1]?.kill('SIGTERM');
    await tunnels[1]?.exited;
    await expectNothingLeft();
  });

  test('IPv6', async () => {
    const tunnel = await start(bastion, '2001:db8:99::/48');
    try {
      // Without a route to there the kernel refuses before it redirects, which the start has told.
      if (/no route to 2001:db8:99/.test(tunnel.stderr)) return;
      expect(await ask(CAPTURED6, 'six')).toBe('captured six');
      expect(asked.some((one) => one.includes('2001:db8:99::7'))).toBe(true);
    } finally {
      tunnel.kill('SIGTERM');
      await tunnel.exited;
    }
  });

  test('names of a zone', async () => {
    const tunnel = await start(
      bastion,
      '--domain',
      'internal.example',
      '--host',
      `db.internal.example=${CAPTURED}`,
      '198.51.100.0/24',
    );
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    const [address = ''] = await resolver.resolve4('db.internal.example');
    expect(await ask(address, 'by name')).toBe('captured by name');
    tunnel.kill('SIGTERM');
    await tunnel.exited;
    await expectNothingLeft();
  });

  test.each(['main', 'helper', 'both'] as const)(
    'SIGKILL of %s leaves nothing, and nobody waiting',
    async (which) => {
      const tunnel = await start(bastion, '198.51.100.0/24');
      const helper = helperOf(tunnel);
      const application = await waitingApplication(CAPTURED);
      if (which !== 'main') process.kill(helper, 'SIGKILL');
      if (which !== 'helper') tunnel.kill('SIGKILL');
      // The tunnel itself goes on, with another helper.
      if (which === 'helper') {
        await until(() => helperOf(tunnel) !== helper, { deadlineMs: 20_000, what: 'another helper' });
        await until(async () => (await ask(CAPTURED, 'again')) === 'captured again', {
          deadlineMs: 20_000,
          what: 'it captures again',
        });
        // One that was quiet meanwhile goes on.
        application.socket.end('late');
        expect(await application.ended).toBe('captured late');
        tunnel.kill('SIGTERM');
      }
      await tunnel.exited;
      await expectNothingLeft();
      // By pf's states, which outlive the rules; what the kernel of Linux sends when both are gone at once may not find its way back.
      if (which === 'main' || process.platform !== 'linux')
        expect(await Promise.race([application.ended, delay(10_000, 'it still waits')])).not.toBe(
          'it still waits',
        );
      application.socket.destroy();
      expect(await ask(EXCLUDED, 'after')).toBe('direct after');
    },
  );
});

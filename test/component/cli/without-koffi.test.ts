import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readToEnd } from '../../support/in-process/socket-pair.ts';
import { openDestination } from '../../support/in-process/ssh2-pair.ts';
import { Child, type CommandResult, runCommand } from '../../support/process/child.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';
import { Home } from './entry.ts';

/*
 * koffi has no build for every platform, and `npm ci --omit=optional` leaves it out: whatever needs no rules works without.
 */

let home: Home;
let sshd: LoopbackSshd;
let tunnel: Child;
let socksPort: number;
let httpPort: number;

const environment = (): Record<string, string> =>
  home.environment('up', { NODE_OPTIONS: `--require=${resolve('test/support/tshuttle/without-koffi.cjs')}` });

const COMMAND = [process.execPath, resolve('bin/tshuttle')];

function run(...words: string[]): Promise<CommandResult> {
  return runCommand([...COMMAND, ...words], { env: environment() });
}

function bastion(): readonly string[] {
  const { options, port } = sshd.request([]);
  const key = join(sshd.directory, 'user_key');
  return ['-r', `root@127.0.0.1:${port}`, '-i', key, ...options.flatMap((option) => ['-o', option])];
}

beforeAll(async () => {
  home = await Home.make();
  sshd = await startLoopbackSshd();
  await sshd.authorize(await sshd.makeKey('user_key'));
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
  const proxies = ['--socks', '0', '--http-proxy', '0'];
  tunnel = new Child([...COMMAND, ...bastion(), ...proxies], { env: environment() });
  const said = await tunnel.untilOutput(/SOCKS on 127\.0\.0\.1:(\d+), HTTP on 127\.0\.0\.1:(\d+)/, 20_000);
  [socksPort, httpPort] = [Number(said[1]), Number(said[2])];
}, 30_000);

afterAll(async () => {
  tunnel.kill();
  await tunnel.exited;
  await sshd[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

/** An application's connection through a proxy to a port of this machine, as the bastion is. */
async function through(proxyPort: number, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: proxyPort, allowHalfOpen: true });
  socket.on('error', () => {});
  const answer = (): Promise<Buffer> => new Promise((settle) => socket.once('data', settle));
  if (proxyPort === httpPort) {
    socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    expect((await answer()).toString()).toMatch(/^HTTP\/1\.1 200/);
  } else {
    socket.write(Buffer.from([5, 1, 0]));
    expect(await answer()).toEqual(Buffer.from([5, 0]));
    socket.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 0xff]));
    expect((await answer())[1]).toBe(0);
  }
  return socket;
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('without koffi', () => {
  test.each([
    ['SOCKS', () => socksPort],
    ['CONNECT', () => httpPort],
  ])('%s carries both ways, byte for byte', async (_what, port) => {
    await using destination = await openDestination((socket) => {
      void readToEnd(socket).then((bytes) => socket.end(bytes));
    });
    const socket = await through(port(), destination.port);
    const sent = randomBytes(4 * 1024 * 1024);
    socket.end(sent);
    expect(digest(await readToEnd(socket))).toBe(digest(sent));
  });

  test('a plain request of HTTP, which wants a pair of sockets, is told what is missing', async () => {
    const server = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await new Promise((settle) => server.once('listening', settle));
    const { port } = server.address() as { readonly port: number };
    const url = `http://127.0.0.1:${port}/`;
    const answer = await runCommand(['curl', '-s', '-m', '10', '-x', `http://127.0.0.1:${httpPort}`, url]);
    server.close();
    expect(answer.stdout).toContain('cannot load koffi');
  });

  test('the control socket answers, and the tunnel goes on', async () => {
    for (const words of [
      ['status'],
      ['status', '--json'],
      ['logs'],
      ['explain', '10.0.0.1:22'],
      ['doctor'],
    ]) {
      const { code, stdout, stderr } = await run(...words);
      expect(code, `${words[0]}: ${stdout}${stderr}`).not.toBe(70);
      expect(tunnel.isRunning, `after ${words[0]}: ${tunnel.stderr}`).toBe(true);
    }
    expect((await run('status')).stdout).toContain('127.0.0.1');
    await using destination = await openDestination((socket) => {
      // What came with the answer of the proxy would be lost in `through`.
      socket.once('data', () => socket.end('still here'));
    });
    const socket = await through(socksPort, destination.port);
    socket.write('?');
    expect((await readToEnd(socket)).toString()).toBe('still here');
  });

  test('a tunnel for one command, by ssh itself or not', async () => {
    const one = ['run', '--rootless', ...bastion()];
    for (const more of [['--transport', 'openssh'], []]) {
      const { code, stderr } = await run(...one, ...more, '10.0.0.0/8', '--', 'true');
      expect(code, stderr).toBe(0);
    }
  });

  test('what cannot do without says so, with the remedy', async () => {
    const words = [...bastion(), '10.0.0.0/8'];
    for (const more of [[], ['-D']]) {
      const { code, stderr } = await run(...more, ...words);
      expect(code, stderr).not.toBe(0);
      expect(stderr).toMatch(/koffi.* -> .*npm ci/s);
    }
  });
});

import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemWords } from '../../../src/core/systems/system-words.ts';
import { readToEnd } from '../../support/in-process/socket-pair.ts';
import { openDestination } from '../../support/in-process/ssh2-pair.ts';
import { foreignWords, OF_OTHER_MACHINES } from '../../support/platform/foreign-words.ts';
import { type SimulatedPlatform, simulated } from '../../support/platform/simulated.ts';
import { Child, type CommandResult, runCommand } from '../../support/process/child.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';
import { Home } from './entry.ts';

/*
 * What needs no rules works on every system, and without koffi, which has no build for some and which `npm ci --omit=optional` leaves out:
 * proxies, `run --rootless`, the daemon, the commands that ask it. test/support/platform/simulate.cjs says how far a system is simulated.
 */

/** All of them by `npm run test:platforms`. */
const PLATFORMS: readonly SimulatedPlatform[] = [
  { name: 'linux', koffi: 'absent' },
  { name: 'darwin', koffi: 'present' },
  { name: 'win32', koffi: 'absent' },
  ...(process.env['TSHUTTLE_TEST_ALL_PLATFORMS'] === undefined
    ? []
    : ([
        { name: 'darwin', koffi: 'absent' },
        { name: 'freebsd', koffi: 'present' },
        { name: 'freebsd', koffi: 'absent' },
        { name: 'openbsd', koffi: 'present' },
        { name: 'win32', koffi: 'present' },
      ] as const)),
];

let sshd: LoopbackSshd;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  await sshd.authorize(await sshd.makeKey('user_key'));
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
}, 30_000);

afterAll(() => sshd[Symbol.asyncDispose]());

const COMMAND = [process.execPath, resolve('bin/tshuttle')];

function bastion(): readonly string[] {
  const { options, port } = sshd.request([]);
  const key = join(sshd.directory, 'user_key');
  return ['-r', `root@127.0.0.1:${port}`, '-i', key, ...options.flatMap((option) => ['-o', option])];
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** An application's connection through a proxy to a port of this machine, as the bastion is. */
async function through(kind: 'SOCKS' | 'CONNECT', proxyPort: number, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: proxyPort, allowHalfOpen: true });
  socket.on('error', () => {});
  const answer = (): Promise<Buffer> => new Promise((settle) => socket.once('data', settle));
  if (kind === 'CONNECT') {
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

describe.each(PLATFORMS)('on $name, koffi $koffi', (platform) => {
  let home: Home;
  let tunnel: Child;
  let socksPort: number;
  let httpPort: number;

  const environment = (): Record<string, string> => home.environment('up', simulated(platform, home.path));
  const run = (...words: string[]): Promise<CommandResult> =>
    runCommand([...COMMAND, ...words], { env: environment() });

  beforeAll(async () => {
    home = await Home.make();
    const proxies = ['--socks', '0', '--http-proxy', '0'];
    tunnel = new Child([...COMMAND, ...bastion(), ...proxies], { env: environment() });
    const said = await tunnel.untilOutput(/SOCKS on 127\.0\.0\.1:(\d+), HTTP on 127\.0\.0\.1:(\d+)/, 20_000);
    [socksPort, httpPort] = [Number(said[1]), Number(said[2])];
  }, 30_000);

  afterAll(async () => {
    tunnel.kill();
    await tunnel.exited;
    await home[Symbol.asyncDispose]();
  }, 30_000);

  test.each(['SOCKS', 'CONNECT'] as const)('%s carries both ways, byte for byte', async (kind) => {
    await using destination = await openDestination((socket) => {
      void readToEnd(socket).then((bytes) => socket.end(bytes));
    });
    const socket = await through(kind, kind === 'SOCKS' ? socksPort : httpPort, destination.port);
    const sent = randomBytes(4 * 1024 * 1024);
    socket.end(sent);
    expect(digest(await readToEnd(socket))).toBe(digest(sent));
  });

  test('plain requests of HTTP are sent on, with what they carry', async () => {
    const body = randomBytes(2 * 1024 * 1024);
    const server = createServer((request, response) => request.pipe(response)).listen(0, '127.0.0.1');
    await new Promise((settle) => server.once('listening', settle));
    const { port } = server.address() as { readonly port: number };
    try {
      for (let index = 0; index < 3; index += 1) {
        const answer = await new Promise<Buffer>((settle, fail) => {
          const options = {
            host: '127.0.0.1',
            port: httpPort,
            method: 'PUT',
            path: `http://127.0.0.1:${port}/`,
          };
          const outgoing = request(options, (incoming) => {
            expect(incoming.statusCode).toBe(200);
            void readToEnd(incoming as never).then(settle, fail);
          });
          outgoing.on('error', fail);
          outgoing.end(body);
        });
        expect(digest(answer)).toBe(digest(body));
      }
    } finally {
      server.close();
    }
  });

  test('the control socket answers, and the tunnel goes on', { timeout: 60_000 }, async () => {
    for (const words of [
      ['status', '--json'],
      ['explain', '10.0.0.1:22'],
    ]) {
      const { code, stdout, stderr } = await run(...words);
      expect(code, `${words[0]}: ${stdout}${stderr}`).not.toBe(70);
      expect(tunnel.isRunning, `after ${words[0]}: ${tunnel.stderr}`).toBe(true);
    }
    expect((await run('status')).stdout).toContain('127.0.0.1');
    const { code, stdout } = await run('doctor');
    // Where nothing could capture with it either, it is not missed, and what is there has no problem.
    const isMissed = platform.koffi === 'absent' && platform.name !== 'win32';
    expect(/^PROBLEM +native library: .*koffi.*\n +-> .*npm ci/m.test(stdout), stdout).toBe(isMissed);
    if (platform.name === 'win32')
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^note +redirect: .*Windows/m)]);
    await using destination = await openDestination((socket) => {
      // What came with the answer of the proxy would be lost in `through`.
      socket.once('data', () => socket.end('still here'));
    });
    const socket = await through('SOCKS', socksPort, destination.port);
    socket.write('?');
    expect((await readToEnd(socket)).toString()).toBe('still here');
  });

  test('a daemon leaves the command, is found, and ends', { timeout: 60_000 }, async () => {
    const profiles = join(home.path, '.config', 'tshuttle');
    await mkdir(profiles, { recursive: true });
    const { options, port } = sshd.request([]);
    const profile = {
      remote: `root@127.0.0.1:${port}`,
      identity: [join(sshd.directory, 'user_key')],
      ssh_options: options,
      socks: ['0'],
    };
    await writeFile(join(profiles, 'config.yaml'), JSON.stringify({ profiles: { office: profile } }));
    const started = await run('up', 'office');
    expect(started.code, started.stderr).toBe(0);
    try {
      const { stdout } = await run('status', 'office');
      expect(stdout).toMatch(/^\S office/m);
      const reload = await run('reload', 'office');
      expect(reload.code, reload.stderr).toBe(0);
    } finally {
      const ended = await run('down', 'office');
      expect(ended.code, ended.stderr).toBe(0);
    }
    expect((await run('status', 'office')).stdout).not.toMatch(/127\.0\.0\.1/);
  });

  test('a tunnel for one command, and one through a ProxyCommand', { timeout: 60_000 }, async () => {
    const one = ['run', '--rootless', ...bastion()];
    const ways: string[][] = [[]];
    // On Windows ssh itself has no ControlMaster, and there is no shell of POSIX.
    if (platform.name !== 'win32') {
      ways.push(['--transport', 'openssh'], ['-o', `ProxyCommand=nc 127.0.0.1 ${sshd.port}`]);
    }
    for (const more of ways) {
      const { code, stderr } = await run(...one, ...more, '10.0.0.0/8', '--', 'true');
      expect(code, stderr).toBe(0);
    }
    if (platform.name !== 'win32') return;
    const refused = await run(...one, '--transport', 'openssh', '10.0.0.0/8', '--', 'true');
    expect(refused.stderr).toMatch(/no ControlMaster.* -> .*--transport ssh2/s);
  });

  test('the manual has no words of another system, and no command that is of no use here', async () => {
    const { code, stdout } = await run('man');
    expect(code).toBe(0);
    const sections = stdout
      .replaceAll('\\-', '-')
      .replaceAll('\\e', '\\')
      .split(/^\.Sh /m)
      .slice(1);
    expect(sections.length).toBeGreaterThan(30);
    const own = sections.filter((text) => !OF_OTHER_MACHINES.has(text.split('\n', 1)[0]!.toLowerCase()));
    expect(own.flatMap((text) => foreignWords(text, platform.name))).toEqual([]);
    expect(/^\.Ss sudoers$/m.test(stdout)).toBe(['linux', 'darwin', 'freebsd'].includes(platform.name));
    expect(/^\.Ss service install$/m.test(stdout)).toBe(['linux', 'darwin'].includes(platform.name));
  });

  test('what a new user types first is answered in words of this system', { timeout: 60_000 }, async () => {
    const lines = ['', '-h', 'doctor', 'report', 'status', 'up', 'explain 10.0.0.1:22', 'service status'];
    for (const line of lines) {
      const { stdout, stderr } = await run(...line.split(' ').filter((word) => word !== ''));
      expect(`${stdout}${stderr}`.length, line).toBeGreaterThan(0);
      expect(foreignWords(`${stdout}${stderr}`, platform.name), line).toEqual([]);
    }
    const { stdout, stderr } = await run('service', 'uninstall', 'office');
    if (platform.name === 'darwin') expect(stdout).toBe('tshuttle: no service is installed\n');
    expect(foreignWords(stderr, platform.name)).toEqual([]);
  });

  test('--dry-run shows what would be', async () => {
    const { code, stdout, stderr } = await run(...bastion(), '--dry-run', '10.0.0.0/8');
    expect(code, stderr).toBe(0);
    const without: Partial<Record<SimulatedPlatform['name'], RegExp>> = {
      win32: /WSL2/,
      openbsd: /nothing redirects connections on openbsd/,
    };
    expect(stdout).toMatch(without[platform.name] ?? /10\.0\.0\.0\/8/);
  });

  test('what there is on other systems only says so, with what there is here', async () => {
    const hasRules = ['linux', 'darwin', 'freebsd'].includes(platform.name);
    const hasServices = ['linux', 'darwin'].includes(platform.name);
    const attempts: ReadonlyArray<readonly [boolean, readonly string[]]> = [
      [hasRules, ['sudoers', '--user', 'alice']],
      [hasServices, ['service', 'status']],
      [platform.name === 'linux', ['service', 'status', '--system']],
    ];
    if (hasRules) {
      const group = `%${systemWords(platform.name).administrators}`;
      const printed = await run('sudoers', '--user', group);
      expect(printed.stdout).toContain(
        `\n${group} ALL=(root) NOPASSWD: /usr/local/libexec/tshuttle/helper ""\n`,
      );
      const installed = await run('sudoers', '--install', '--user', group);
      expect([installed.code, installed.stderr]).toEqual([64, expect.stringContaining('is a group')]);
    }
    for (const [isHere, words] of attempts) {
      const { code, stderr } = await run(...words);
      expect(code === 0, `${words.join(' ')}: ${stderr}`).toBe(isHere);
      if (!isHere) expect(stderr).toMatch(/^tshuttle: .* on .* -> ./);
      expect(foreignWords(stderr, platform.name)).toEqual([]);
    }
    if (platform.name === 'linux') return;
    const { code, stderr } = await run('run', '--isolated', ...bastion(), '10.0.0.0/8', '--', 'true');
    expect(code, stderr).toBe(77);
    expect(stderr).toMatch(/no network namespaces on .* -> .*--rootless/);
  });

  test('what cannot be done says so, with the remedy', { timeout: 60_000 }, async () => {
    const isMissing = platform.koffi === 'absent' && platform.name !== 'win32';
    if (!isMissing && platform.name !== 'win32') return;
    const words = [...bastion(), '10.0.0.0/8'];
    for (const more of [[], ['-D']]) {
      const { code, stderr } = await run(...more, ...words);
      expect(code, stderr).not.toBe(0);
      expect(stderr).toMatch(isMissing ? /koffi.* -> .*npm ci/s : /Windows.* -> .*WSL2/s);
      expect(code, stderr).toBe(69);
    }
    const { code, stderr } = await run('run', ...words, '--', 'true');
    expect([code, stderr]).toEqual([0, expect.stringContaining('the command gets proxies instead')]);
  });
});

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ControlClient } from '../../../../src/daemon/control/client.ts';
import { findDaemons } from '../../../../src/daemon/control/find-daemons.ts';
import { CONTROL_VERSION, MAX_REQUEST_BYTES } from '../../../../src/daemon/control/protocol.ts';
import { ControlServer } from '../../../../src/daemon/control/server.ts';
import { UnixConnections } from '../../../../src/ssh/openssh/unix-connection.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { runCommand } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';
import { seededRandom } from '../../../unit/intercept/rules/seeded-random.ts';
import { FakeTunnel, FLOW, fakeTarget } from '../fake-target.ts';

const isRoot = process.getuid?.() === 0;

/** For setpriv: Node.js of another user, who may not be let in where our tests are, and what they have Node.js load. */
const strangersNode = (userId: number): readonly string[] => [
  ...[`--reuid=${userId}`, `--regid=${userId}`, '--clear-groups'],
  ...['env', '--unset=NODE_OPTIONS', process.execPath],
];

describe('the control socket', () => {
  let folder: string;
  let logger: RecordingLogger;
  const open: Array<{ close(): void | Promise<void> }> = [];

  const serve = async (...tunnels: readonly FakeTunnel[]) => {
    const server = await ControlServer.open(folder, fakeTarget(...tunnels), logger);
    open.push(server);
    return server;
  };
  const onlyClient = async (): Promise<ControlClient> => {
    const { clients } = await findDaemons([folder]);
    expect(clients).toHaveLength(1);
    open.push(clients[0]!);
    return clients[0]!;
  };
  const socketPath = async () =>
    join(folder, (await readdir(folder)).find((name) => name.endsWith('.sock'))!);

  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'tshuttle-control-')), 'tshuttle');
    logger = recordingLogger();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    await rm(join(folder, '..'), { recursive: true });
  });

  it('is only for this user, and gone with its server', async () => {
    const server = await serve();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(await socketPath())).mode & 0o777).toBe(0o600);
    await server.close();
    expect(await readdir(folder)).toEqual([]);
  });

  it('answers what it is asked, and says what it cannot do', async () => {
    const tunnel = new FakeTunnel('office');
    await serve(tunnel);
    const client = await onlyClient();
    expect(client.daemon).toMatchObject({ pid: process.pid, version: '1.2.3' });
    expect(await client.ask({ type: 'status' })).toMatchObject({ tunnels: [{ name: 'office' }] });
    expect(await client.ask({ type: 'flows', name: 'office', limit: 2 })).toMatchObject({
      flows: [FLOW, FLOW],
    });
    expect(await client.ask({ type: 'reload', name: 'office' })).toMatchObject({ applied: ['subnets'] });
    const reach = { type: 'reach', name: 'office' } as const;
    expect(await client.ask({ ...reach, host: 'db', port: 5432 })).toMatchObject({ type: 'done' });
    expect(await client.ask({ ...reach, host: null, port: null })).toMatchObject({ type: 'done' });
    expect(await client.ask({ type: 'down', name: 'office' })).toMatchObject({ type: 'done' });
    expect(tunnel.done).toEqual(['reload', 'reach db 5432', 'reach its own', 'down']);
    await expect(client.ask({ type: 'down', name: 'home' })).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });

  it('answers in turn what is asked at once', async () => {
    const tunnels = ['a', 'b', 'c'].map((name) => new FakeTunnel(name));
    await serve(...tunnels);
    const client = await onlyClient();
    await Promise.all(['a', 'b', 'c'].map((name) => client.ask({ type: 'down', name })));
    expect(tunnels.map(({ done }) => done)).toEqual([['down'], ['down'], ['down']]);
  });

  it('carries the flows of a full tunnel', async () => {
    await serve(new FakeTunnel('office'));
    const client = await onlyClient();
    const answer = await client.ask({ type: 'flows', name: 'office', limit: 32_768 });
    expect(answer.type === 'flows' && answer.flows.length).toBe(32_768);
  });

  it('relays the questions of a login, and ends it when the client goes away', async () => {
    const tunnel = new FakeTunnel('office');
    const answers: Array<string | undefined> = [];
    let ended: unknown;
    tunnel.onLogin = async (person, signal) => {
      person.show('banner');
      answers.push(await person.ask('Password:', { echo: false }), await person.ask('Code:', { echo: true }));
      signal.addEventListener('abort', () => (ended = signal.reason));
    };
    await serve(tunnel);
    const client = await onlyClient();
    const heard: string[] = [];
    const person = {
      ask: async (question: string, { echo }: { readonly echo: boolean }) => {
        heard.push(`${question} ${echo}`);
        return question === 'Code:' ? '123456' : undefined;
      },
      show: (text: string) => void heard.push(text),
    };
    expect(await client.ask({ type: 'login', name: 'office' }, person)).toMatchObject({ type: 'done' });
    expect(heard).toEqual(['banner', 'Password: false', 'Code: true']);
    expect(answers).toEqual([undefined, '123456']);

    const asked = client.ask(
      { type: 'login', name: 'office' },
      { ...person, ask: () => new Promise(() => {}) },
    );
    asked.catch(() => {});
    await until(() => heard.length === 4, { deadlineMs: 5_000, what: 'the second banner' });
    client.close();
    await until(() => ended !== undefined, { deadlineMs: 5_000, what: 'the login was told' });
  });

  it('moves no cursor of whoever reads what it says', async () => {
    const hostile = '\u001b[2J\u009b2Ja\u202eb\u0007\u200f\u2066c\r\nd';
    const tunnel = new FakeTunnel(`office${hostile}`);
    tunnel.onLogin = async (person) => {
      person.show(hostile);
      await person.ask(hostile, { echo: false });
      throw new Error(hostile);
    };
    await serve(tunnel);
    const client = await onlyClient();
    const status = await client.ask({ type: 'status' });
    expect(status).toMatchObject({ tunnels: [{ name: 'office[2J2Jabc d' }] });
    const heard: string[] = [];
    const person = {
      ask: async (question: string) => void heard.push(question),
      show: (text: string) => void heard.push(text),
    };
    const login = client.ask({ type: 'login', name: tunnel.name }, person as never);
    await expect(login).rejects.toThrow('[2J2Jabc\nd');
    expect(heard).toEqual(['[2J2Jabc\nd', '[2J2Jabc\nd']);
  });

  it('opens no file that a daemon names', async () => {
    const home = join(folder, '..');
    const secret = join(home, 'secret');
    await writeFile(secret, 'the secret');
    const tunnel = new FakeTunnel('office');
    tunnel.report = () => ({ ...FakeTunnel.prototype.report.call(tunnel), logFile: secret as never });
    await serve(tunnel);
    const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, XDG_STATE_HOME: join(home, 'state') };
    const { stdout, stderr, code } = await runCommand([process.execPath, 'bin/tshuttle', 'logs', 'office'], {
      env,
    });
    expect({ stdout, code }).toEqual({ stdout: '', code: 64 });
    expect(stderr).toContain(`office says that it logs to ${secret}, which is in no folder of your logs`);
  });

  it('survives 100,000 malformed requests, and answers the next good one', async () => {
    await serve(new FakeTunnel('office'));
    const path = await socketPath();
    const { random, seed } = seededRandom();
    const good = JSON.stringify({ type: 'flows', id: 1, name: 'office', limit: 3 });
    const malformed = (): string => {
      const at = random(good.length);
      switch (random(5)) {
        case 0:
          return good.slice(0, at);
        case 1:
          return `${good.slice(0, at)}\u0000${good.slice(at)}`;
        case 2:
          return '['.repeat(1 + random(2_000));
        case 3:
          return JSON.stringify({ type: 'status', id: at, __proto__x: at });
        default:
          return Buffer.from(Array.from({ length: at }, () => 1 + random(255)))
            .toString('latin1')
            .replaceAll('\n', ' ');
      }
    };
    const socket = connect(path);
    let replies = '';
    let count = 0;
    socket.on('data', (chunk: Buffer) => {
      replies = (replies + chunk.toString()).slice(-500);
      count += chunk.toString().split('\n').length - 1;
    });
    const heapBefore = process.memoryUsage().heapUsed;
    const samples = Array.from({ length: 5_000 }, malformed);
    for (let sent = 0; sent < 100_000; sent += 100) {
      const first = sent % samples.length;
      const lines = samples.slice(first, first + 100).join('\n');
      if (!socket.write(`${lines}\n`)) await once(socket, 'drain');
    }
    // The greeting is a line, too.
    await until(() => count === 100_001, {
      deadlineMs: 15_000,
      what: () => `${count} replies, seed ${seed}`,
    });
    socket.write('{"type":"status","id":77}\n');
    await until(() => /"status","id":77/.test(replies), { deadlineMs: 5_000, what: () => replies });
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(100_000_000);
    socket.destroy();
    expect(await (await onlyClient()).ask({ type: 'status' })).toMatchObject({ type: 'status' });
  }, 120_000);

  it('reads no more from a client that does not read', async () => {
    await serve();
    const socket = connect(await socketPath());
    socket.pause();
    let accepted = 0;
    const blocked = await new Promise<boolean>((resolve) => {
      const send = (): void => {
        if (accepted > 50_000_000) {
          resolve(false);
          return;
        }
        const timer = setTimeout(() => resolve(true), 1_000);
        socket.write(`${'x'.repeat(999)}\n`.repeat(100), () => {
          clearTimeout(timer);
          accepted += 100_000;
          send();
        });
      };
      send();
    });
    expect(blocked).toBe(true);
    socket.destroy();
    await onlyClient();
  });

  it('ends a client whose line has no end, and for the 33rd the one that has been idle for longest', async () => {
    await serve();
    const path = await socketPath();
    const long = connect(path);
    long.on('error', () => {});
    long.resume();
    long.write('x'.repeat(MAX_REQUEST_BYTES + 1));
    await once(long, 'close');

    const sockets: Socket[] = [];
    for (let index = 0; index < 32; index += 1) {
      const socket = connect(path);
      sockets.push(socket);
      await once(socket, 'data');
    }
    // The first has asked for something meanwhile, so that the second goes.
    sockets[0]!.write('{"type":"status","id":1}\n');
    await once(sockets[0]!, 'data');
    const second = once(sockets[1]!, 'close');
    const more = connect(path);
    sockets.push(more);
    await once(more, 'data');
    await second;
    expect(sockets[0]!.readyState).toBe('open');
    for (const socket of sockets) socket.destroy();
  });

  it.runIf(isRoot)('refuses another user, even where the folder lets them in', async () => {
    await serve(new FakeTunnel('office'));
    const path = await socketPath();
    const script = `const s=require('net').connect(${JSON.stringify(path)});let d='';s.on('data',c=>d+=c);s.on('error',e=>{d+=e.code});s.on('close',()=>console.log('heard:'+d))`;
    const asStranger = ['setpriv', ...strangersNode(12_345), '-e', script];
    // Node must be where a stranger can run it; the folder alone keeps them out.
    expect((await runCommand(asStranger)).stdout).toMatch(/heard:EACCES/);
    await runCommand(['chmod', '-R', 'a+rwx', join(folder, '..')]);
    expect((await runCommand(asStranger)).stdout).toMatch(/heard:(ECONNRESET|EPIPE)?\n/);
    expect(logger.lines.join('\n')).toContain('refused user 12345');
  });

  it('of a process that was killed is removed by whoever finds it', async () => {
    const script = `require('net').createServer().listen(${JSON.stringify(join(folder, 'deadbeef.sock'))}, () => console.log('up'))`;
    await serve();
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(folder)).toContain('deadbeef.sock');
    await onlyClient();
    expect(await readdir(folder)).not.toContain('deadbeef.sock');
  });

  it('tells of a daemon that does not answer, and of one of another version', async () => {
    await serve();
    const mute = createServer(() => {}).listen(join(folder, '00000001.sock'));
    const strange = createServer((socket) =>
      socket.end('{"type":"hello","protocol":99,"version":"9.0.0","pid":5,"startedAtMs":1}\n'),
    ).listen(join(folder, '00000002.sock'));
    await writeFile(join(folder, 'notes'), '');
    const { clients, silent } = await findDaemons([folder]);
    expect(silent.map(({ reason }) => reason).sort()).toEqual([
      'it is tshuttle 9.0.0, which this one does not understand',
      'the daemon is not to be reached: it does not answer',
    ]);
    expect(silent.map(({ pid }) => pid).sort()).toEqual([5, process.pid].sort());
    for (const client of clients) client.close();
    mute.close();
    strange.close();
  });

  it('waits for an answer for as long as the daemon greets others, and no longer', async () => {
    await mkdir(folder, { mode: 0o700 });
    const greeting = {
      type: 'hello',
      protocol: CONTROL_VERSION,
      pid: process.pid,
      version: '1.2.3',
      startedAtMs: 1,
    };
    let greets = 0;
    const connections: Socket[] = [];
    const daemon = createServer((socket) => {
      connections.push(socket);
      if (greets >= 2) return;
      greets += 1;
      socket.write(`${JSON.stringify(greeting)}\n`);
    }).listen(join(folder, '00000001.sock'));
    await once(daemon, 'listening');
    const client = await onlyClient();
    const answer = client.ask({ type: 'status' });
    const startedAtMs = performance.now();
    await expect(answer).rejects.toMatchObject({
      code: 'ERR_INTERNAL',
      message: 'the daemon is not to be reached: it does not answer any more',
    });
    // Once it greeted a second connection, and the next time it had 5 s to.
    expect(greets).toBe(2);
    expect(performance.now() - startedAtMs).toBeGreaterThan(14_000);
    expect(client.silence).toMatchObject({ pid: process.pid, isOwn: true });
    for (const socket of connections) socket.destroy();
    await new Promise((resolve) => daemon.close(resolve));
  }, 60_000);

  it('cannot have too long a path, and says so', async () => {
    folder = join(folder, 'x'.repeat(120));
    await expect(serve()).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    folder = join(folder, '..');
  });
});

describe.skipIf(!isRoot)('a daemon of somebody else', () => {
  const STRANGER = 12_345;
  const NAME = '0123abcd.sock';
  /** Greets as a daemon does, and asks for a password; prints what it is told. */
  const FALSE_DAEMON = `
    const { createServer } = require('node:net');
    process.umask(0);
    createServer((socket) => {
      const say = (reply) => socket.write(JSON.stringify(reply) + '\\n');
      say({ type: 'hello', protocol: ${CONTROL_VERSION}, pid: process.pid, version: '1.2.3', startedAtMs: 1 });
      socket.on('error', () => {});
      socket.on('data', (bytes) => console.log('told ' + bytes));
    }).listen(process.argv[1], () => console.log('listening'));`;

  let folder: string;
  let child: ChildProcessWithoutNullStreams;
  let said = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tshuttle-stranger-'));
    await chmod(folder, 0o777);
    said = '';
    child = spawn('setpriv', [...strangersNode(STRANGER), '-e', FALSE_DAEMON, join(folder, NAME)]);
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => said.includes('listening'), { deadlineMs: 10_000, what: 'the false daemon' });
  });
  afterEach(async () => {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  it.each([
    [
      'in a folder that others may write',
      async () => {},
      /what is there is not asked, because others may write it/,
    ],
    [
      'in a folder of its own',
      async () => await chown(folder, STRANGER, STRANGER),
      /because it belongs to user 12345/,
    ],
    [
      'whose socket is in a folder of ours',
      async () => await chmod(folder, 0o700),
      /because it belongs to user 12345/,
    ],
    [
      'whose socket is as ours are',
      async () => {
        await chmod(folder, 0o700);
        await chown(join(folder, NAME), 0, 0);
        await chmod(join(folder, NAME), 0o600);
      },
      /it is a process of user 12345, and is not asked/,
    ],
  ])('%s is told nothing', async (_title, prepare, reason) => {
    await prepare();
    const { clients, silent } = await findDaemons([folder]);
    expect(clients).toEqual([]);
    expect(silent.map((one) => one.reason).join()).toMatch(reason);
    expect(said).not.toContain('told');
    expect(await readdir(folder)).toEqual([NAME]);
  });

  it('in the place of an ssh to join is given no connection', async () => {
    const greet = vi.fn(async () => {});
    const joined = new UnixConnections(join(folder, NAME)).open(greet);
    await expect(joined).rejects.toThrow('it is a process of user 12345, to whom no connection is given');
    expect(greet).not.toHaveBeenCalled();
  });

  it('behind a link in the place of our folder is told nothing', async () => {
    const link = `${folder}-link`;
    await symlink(folder, link);
    try {
      const { clients, silent } = await findDaemons([link]);
      expect([clients, silent.map((one) => one.reason).join()]).toEqual([
        [],
        expect.stringContaining('not a folder'),
      ]);
      expect(said).not.toContain('told');
    } finally {
      await rm(link);
    }
  });
});

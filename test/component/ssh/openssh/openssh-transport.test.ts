import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { type OpensshCarry, openOpensshTransport } from '../../../../src/ssh/openssh/transport.ts';
import { carryFlow } from '../../../support/in-process/carry-flow.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { openSocketPair, readToEnd } from '../../../support/in-process/socket-pair.ts';
import { openDestination } from '../../../support/in-process/ssh2-pair.ts';
import { mustRun } from '../../../support/process/child.ts';
import { familiesOf } from '../../../support/process/processes.ts';
import { until } from '../../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
const { signal } = new AbortController();
const SFTP = 'Subsystem sftp internal-sftp';

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  await sshd.reconfigure(SFTP);
  await sshd.authorize(await sshd.makeKey('user_key'));
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

/** So many logins there should have been. */
let connections = 0;

async function connect(carry: OpensshCarry, mayOpenSession = false, ...options: string[]) {
  connections += 1;
  const logger = recordingLogger();
  const request = sshd.request([join(sshd.directory, 'user_key')], ...options);
  const target = await resolveTarget(request, { logger, signal });
  const context = { logger, signal, mayOpenSession };
  return await openOpensshTransport(target, request, { controlPath: undefined, carry }, context);
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe.each(['socks', 'handover'] as const)('a connection of our own through ssh, by %s', (carry) => {
  test('carries both ways, byte for byte, and the end of ours by itself', async () => {
    const transport = await connect(carry);
    await using destination = await openDestination((socket) => {
      void readToEnd(socket).then((bytes) => socket.end(bytes));
    });
    const socket = await transport.open({ host: 'localhost', port: destination.port }, signal);
    const sent = randomBytes(8 * 1024 * 1024);
    socket.end(sent);
    expect(digest(await readToEnd(socket))).toBe(digest(sent));
    if (!socket.closed) await once(socket, 'close');
    await transport.close();
  });

  test('is told why a destination is refused', async () => {
    const transport = await connect(carry);
    await expect(transport.open({ host: '127.0.0.1', port: 1 }, signal)).rejects.toMatchObject({
      code: 'ERR_CHANNEL_REFUSED',
      cause: { kind: 'refused', reason: 'connect-failed', description: 'Connection refused' },
    });
    await transport.close();
  });

  test(`${carry === 'socks' ? 'keeps' : 'loses'} what we send after the destination has ended`, async () => {
    const transport = await connect(carry);
    const received: Buffer[] = [];
    let isOver = false;
    await using destination = await openDestination((socket) => {
      socket.end('farewell');
      socket.on('data', (bytes: Buffer) => received.push(bytes));
      socket.once('close', () => {
        isOver = true;
      });
    });
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    expect((await readToEnd(socket)).toString()).toBe('farewell');
    socket.end('late');
    await until(() => isOver, { deadlineMs: 10_000, what: 'the end at the destination' });
    expect(Buffer.concat(received).toString()).toBe(carry === 'socks' ? 'late' : '');
    await transport.close();
  });

  test('is reset when the transport is closed, and none is opened afterwards', async () => {
    const transport = await connect(carry);
    await using destination = await openDestination((socket) => void socket.resume());
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    const reset = expect(readToEnd(socket)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await transport.close();
    await reset;
    await expect(transport.open({ host: '127.0.0.1', port: 1 }, signal)).rejects.toMatchObject({
      code: 'ERR_BASTION_LOST',
      message: expect.stringContaining('the tunnel is closing'),
    });
  });

  test('that is destroyed is closed at the destination too', async () => {
    const transport = await connect(carry);
    let isOver = false;
    await using destination = await openDestination((socket) => {
      socket.resume();
      socket.once('end', () => {
        isOver = true;
      });
    });
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    socket.destroy();
    await until(() => isOver, { deadlineMs: 10_000, what: 'the end at the destination' });
    await transport.close();
  });

  test('an application is reset when ssh is killed, and never sees an end', async () => {
    const transport = await connect(carry);
    await using pair = await openSocketPair();
    await using destination = await openDestination((socket) => {
      socket.write('first half');
      socket.resume();
    });
    const { accepted, application } = pair;
    const carried = carryFlow(transport, accepted, { host: '127.0.0.1', port: destination.port });
    application.write('hello');
    await once(application, 'data');
    const reset = expect(readToEnd(application)).rejects.toMatchObject({ code: 'ECONNRESET' });
    process.kill(await sshPid(), 'SIGKILL');
    expect(await carried).toMatchObject({ end: { kind: 'bastion-lost' }, bytesUp: 5, bytesDown: 10 });
    await reset;
    expect(await transport.lost).toMatchObject({
      code: 'ERR_BASTION_LOST',
      message: expect.stringContaining('ssh was ended by SIGKILL'),
    });
    await transport.close();
  });
});

test('a bastion that has gone silent is lost after ServerAliveInterval times ServerAliveCountMax', async () => {
  const transport = await connect('socks', false, 'ServerAliveInterval=1', 'ServerAliveCountMax=2');
  const [serving, ...others] = await familiesOf(sshd.pid);
  if (serving === undefined) throw new Error('nobody serves the connection');
  expect(others).toEqual([]);
  for (const pid of serving) process.kill(pid, 'SIGSTOP');
  try {
    expect(await transport.lost).toMatchObject({
      code: 'ERR_BASTION_LOST',
      message: expect.stringMatching(/Timeout, server .* not responding/),
    });
  } finally {
    for (const pid of serving) process.kill(pid, 'SIGKILL');
  }
  await transport.close();
});

describe('a session by the master', () => {
  test('runs once so that small answers are sent at once, and others read files of the bastion', async () => {
    const sessionsBefore = sshd.log().split('Starting session').length;
    const transport = await connect('socks', true);
    await until(() => sshd.log().includes('Starting session: command'), {
      deadlineMs: 10_000,
      what: () => `a session: ${sshd.log()}`,
    });
    const text = 'nameserver 10.0.0.2\n';
    const file = join(sshd.directory, 'with "quotes" and spaces');
    await writeFile(file, text);
    expect(await transport.readFile(file)).toBe(text);
    await expect(transport.readFile(join(sshd.directory, 'none'))).rejects.toThrow(/none.*not found/);
    await writeFile(file, Buffer.alloc(1024 * 1024));
    await expect(transport.readFile(file)).rejects.toThrow(/sftp/);
    await transport.close();
    await expect(transport.readFile(file)).rejects.toThrow('the tunnel is closing');
    expect(sshd.log().split('Starting session').length - sessionsBefore).toBe(4);
    expect(sshd.log().match(/Accepted publickey/g)?.length).toBe(connections);
  });

  test('that the bastion does not give has it log in no other way, and is the refusal of nobody', async () => {
    await sshd.reconfigure(SFTP, 'MaxSessions 0');
    const transport = await connect('socks', true);
    await expect(transport.readFile('/etc/hosts')).rejects.toThrow('Session open refused by peer');
    await expect(transport.open({ host: '127.0.0.1', port: 1 }, signal)).rejects.toMatchObject({
      cause: { reason: 'connect-failed', description: 'Connection refused' },
    });
    await transport.close();
    expect(sshd.log().match(/Accepted publickey/g)?.length).toBe(connections);
    await sshd.reconfigure(SFTP);
  });

  test('of which a forced command makes something else, and stays, is given up', async () => {
    const pidFile = join(sshd.directory, 'forced.pid');
    await sshd.reconfigure(SFTP, `ForceCommand echo $$ >'${pidFile}'; echo welcome; exec sleep 60`);
    const transport = await connect('socks');
    await expect(transport.readFile('/etc/hosts')).rejects.toThrow('message too long');
    process.kill(Number(await readFile(pidFile, 'utf8')));
    await transport.close();
    await sshd.reconfigure(SFTP);
  });

  test('is none for a user who wants none', async () => {
    const sessionsBefore = sshd.log().split('Starting session').length;
    const transport = await connect('handover', false);
    await using destination = await openDestination((socket) => void socket.end('bye'));
    const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    expect((await readToEnd(socket)).toString()).toBe('bye');
    await transport.close();
    expect(sshd.log().split('Starting session').length).toBe(sessionsBefore);
  });
});

/** Our only child that is an ssh. */
async function sshPid(): Promise<number> {
  const children = await mustRun(['ps', '--ppid', String(process.pid), '-o', 'pid=,comm=']);
  const match = /^\s*(\d+) ssh$/m.exec(children);
  if (match === null) throw new Error(`no ssh among ${children}`);
  return Number(match[1]);
}

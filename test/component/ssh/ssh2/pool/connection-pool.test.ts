import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { resolveTarget } from '../../../../../src/ssh/config/target.ts';
import type { Ssh2Transport } from '../../../../../src/ssh/ssh2/connected-transport.ts';
import { ConnectionPool, type PoolOptions } from '../../../../../src/ssh/ssh2/pool/connection-pool.ts';
import { openSsh2Transport } from '../../../../../src/ssh/ssh2/transport.ts';
import type { FlowSummary } from '../../../../../src/ssh/transport.ts';
import { carryFlow } from '../../../../support/in-process/carry-flow.ts';
import { type RecordingLogger, recordingLogger } from '../../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../../support/in-process/scripted-prompter.ts';
import { openSocketPair } from '../../../../support/in-process/socket-pair.ts';
import { openDestination } from '../../../../support/in-process/ssh2-pair.ts';
import { mustRun } from '../../../../support/process/child.ts';
import { familiesOf } from '../../../../support/process/processes.ts';
import { until } from '../../../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../../support/servers/loopback-sshd.ts';

const NEVER = new AbortController().signal;

let sshd: LoopbackSshd;
let transports: Ssh2Transport[];
let pools: ConnectionPool[];
let logger: RecordingLogger;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  await makeKnown(sshd);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

beforeEach(() => {
  transports = [];
  pools = [];
  logger = recordingLogger();
});

afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
});

async function makeKnown(server: LoopbackSshd): Promise<void> {
  await server.authorize(await server.makeKey('user_key'));
  const hostKey = (await readFile(`${server.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(server.knownHosts, `[127.0.0.1]:${server.port} ${hostKey}\n`);
}

function openPool(first: Ssh2Transport, options: PoolOptions): ConnectionPool {
  const pool = new ConnectionPool(first, options);
  pools.push(pool);
  return pool;
}

async function connect(signal = NEVER, server = sshd): Promise<Ssh2Transport> {
  const target = await resolveTarget(server.request([join(server.directory, 'user_key')]), {
    logger,
    signal,
  });
  const context = {
    logger,
    signal,
    prompter: NO_TERMINAL,
    mayOpenSession: false,
    beforeDial: async () => {},
  };
  const transport = await openSsh2Transport(target, context);
  transports.push(transport);
  return transport;
}

interface Flow {
  readonly application: Socket;
  readonly summary: Promise<FlowSummary>;
}

async function start(pool: ConnectionPool, port: number): Promise<Flow> {
  const { accepted, application } = await openSocketPair();
  return { application, summary: carryFlow(pool, accepted, { host: '127.0.0.1', port }) };
}

async function expectEcho({ application }: Flow): Promise<void> {
  application.write('hello');
  expect(String((await once(application, 'data'))[0])).toBe('hello');
}

const channels = (): number[] => transports.map((transport) => transport.load().channels);
const soon = (what: string, fact: () => boolean) => until(fact, { deadlineMs: 15_000, what });

test('flows are spread over as many connections as were asked for, and idle ones are closed', async () => {
  await using echo = await openDestination((socket) => socket.pipe(socket));
  const options = { connections: 3, logger, openAnother: connect, idleMs: 200 };
  const pool = openPool(await connect(), options);
  const flows: Flow[] = [];
  // The second flow finds no free connection, and so does the fourth.
  for (const connections of [1, 2, 2, 3, 3, 3]) {
    const flow = await start(pool, echo.port);
    await expectEcho(flow);
    flows.push(flow);
    await soon(`${connections} connections`, () => pool.size === connections);
  }
  expect(pool.size).toBe(3);
  expect(channels()).toEqual([2, 2, 2]);
  for (const { application } of flows) application.end();
  await Promise.all(flows.map(({ summary }) => summary));
  await soon('the idle ones are closed', () => pool.size === 1);
  await expectEcho(await start(pool, echo.port));
});

test('a new flow goes away from the connection that carries bulk', async () => {
  await using bulk = await openDestination((socket) => {
    const write = (): void => void (socket.writable && socket.write(Buffer.alloc(256 * 1024), write));
    write();
  });
  await using echo = await openDestination((socket) => socket.pipe(socket));
  const pool = openPool(await connect(), { connections: 2, logger, openAnother: connect });
  const download = await start(pool, bulk.port);
  download.application.resume();
  await soon('bulk', () => (transports[0]?.load().movedBytes ?? 0) > 16 * 1024 * 1024);
  await expectEcho(await start(pool, echo.port));
  await soon('a second connection', () => pool.size === 2);
  const small: Flow[] = [];
  for (let count = 0; count < 4; count += 1) {
    small.push(await start(pool, echo.port));
    await expectEcho(small[count] as Flow);
  }
  expect(channels()).toEqual([2, 4]);
});

test('a bastion out of descriptors: flows open on further connections, and none is lost', async () => {
  await using echo = await openDestination((socket) => socket.pipe(socket));
  await using small = await startLoopbackSshd();
  await mustRun(['prlimit', '--pid', String(small.pid), '--nofile=280:280']);
  await makeKnown(small);
  const openAnother = (signal: AbortSignal) => connect(signal, small);
  const pool = openPool(await connect(NEVER, small), { connections: 1, logger, openAnother });
  const flows: Flow[] = [];
  for (let count = 0; count < 600; count += 1) flows.push(await start(pool, echo.port));
  await Promise.all(flows.map(expectEcho));
  expect(pool.size).toBeGreaterThan(2);
  expect(pool.size).toBeLessThan(8);
  // Before the server, which ends only with its sessions.
  await pool.close();
});

test('a bastion out of descriptors, where there must not be another connection: told as its shortage', async () => {
  await using echo = await openDestination((socket) => socket.pipe(socket));
  await using small = await startLoopbackSshd();
  await mustRun(['prlimit', '--pid', String(small.pid), '--nofile=280:280']);
  await makeKnown(small);
  const openAnother = { whyNot: 'it would ask again' };
  const pool = openPool(await connect(NEVER, small), { connections: 1, logger, openAnother });
  const summaries: Array<Promise<FlowSummary>> = [];
  for (let count = 0; count < 300; count += 1) summaries.push((await start(pool, echo.port)).summary);
  const { end } = await Promise.race(summaries);
  expect(end).toMatchObject({ kind: 'refused', reason: 'resource-shortage' });
  await pool.close();
});

test('a destination that refuses is told as that, however many channels there are', async () => {
  await using echo = await openDestination((socket) => socket.pipe(socket));
  const pool = openPool(await connect(), { connections: 1, logger, openAnother: connect });
  const flows: Flow[] = [];
  for (let count = 0; count < 210; count += 1) flows.push(await start(pool, echo.port));
  await Promise.all(flows.map(expectEcho));
  const refused = await start(pool, 1);
  expect((await refused.summary).end).toMatchObject({ kind: 'refused', description: 'Connection refused' });
  expect(pool.size).toBe(1);
});

test('a lost connection takes its own flows; the pool is lost with the last', async () => {
  await using echo = await openDestination((socket) => socket.pipe(socket));
  const before = (await familiesOf(sshd.pid)).map(([pid]) => pid);
  const pool = openPool(await connect(), { connections: 2, logger, openAnother: connect });
  const first = await start(pool, echo.port);
  await expectEcho(first);
  await start(pool, echo.port);
  await soon('a second connection', () => pool.size === 2);
  const other = await start(pool, echo.port);
  await expectEcho(other);
  expect(channels()).toEqual([2, 1]);

  const ours = async () => (await familiesOf(sshd.pid)).filter(([pid]) => !before.includes(pid));
  const served = await ours();
  expect(served).toHaveLength(2);
  for (const pid of served[0] ?? []) process.kill(pid, 'SIGKILL');
  expect((await first.summary).end).toMatchObject({ kind: 'bastion-lost' });
  await expectEcho(other);
  await expectEcho(await start(pool, echo.port));
  // That flow found no free connection.
  await soon('another in its place', () => pool.size === 2);
  for (const pid of (await ours()).flat()) process.kill(pid, 'SIGKILL');
  expect((await pool.lost).code).toBe('ERR_BASTION_LOST');
});

test('where there must not be another there is one connection, which is said once', async () => {
  await using echo = await openDestination((socket) => socket.pipe(socket));
  const pool = openPool(await connect(), {
    connections: 4,
    logger,
    openAnother: { whyNot: 'it would ask again' },
  });
  for (let count = 0; count < 3; count += 1) await expectEcho(await start(pool, echo.port));
  expect(pool.size).toBe(1);
  expect(logger.lines.filter((line) => line.includes('it would ask again'))).toHaveLength(1);
});

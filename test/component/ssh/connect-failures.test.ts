import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../src/net/address/endpoint.ts';
import { resolveTarget } from '../../../src/ssh/config/target.ts';
import { connectBastion } from '../../../src/ssh/ssh2/connection/connect.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { scriptedPrompter } from '../../support/in-process/scripted-prompter.ts';
import { until } from '../../support/process/until.ts';

const servers: Server[] = [];
const accepted: Socket[] = [];

afterEach(() => {
  for (const socket of accepted.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A server on 127.0.0.1 that does this with each connection; its port. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    socket.resume();
    onConnection(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

interface Attempt {
  readonly host?: string;
  readonly port: number;
  readonly options?: readonly string[];
  readonly signal?: AbortSignal;
  readonly beforeDial?: (endpoint: Endpoint) => Promise<void>;
}

async function attempt({
  host = '127.0.0.1',
  port,
  options = [],
  signal,
  beforeDial,
}: Attempt): Promise<void> {
  const logger = recordingLogger();
  const target = await resolveTarget(
    {
      host,
      user: 'me',
      port,
      password: undefined,
      identityFiles: [],
      options: [
        ...options,
        'StrictHostKeyChecking=accept-new',
        'UserKnownHostsFile=none',
        'IdentityAgent=none',
      ],
    },
    { logger, signal: new AbortController().signal },
  );
  await connectBastion(target, {
    logger,
    prompter: scriptedPrompter(),
    signal: signal ?? new AbortController().signal,
    beforeDial: beforeDial ?? (async () => {}),
  });
}

async function closedPort(): Promise<number> {
  const port = await listen(() => {});
  const server = servers.pop();
  server?.close();
  if (server !== undefined) await once(server, 'close');
  return port;
}

describe('a bastion that cannot be reached', () => {
  test('refuses: the address is named', async () => {
    const port = await closedPort();
    await expect(attempt({ port })).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: `cannot reach the bastion 127.0.0.1: 127.0.0.1:${port}: connection refused`,
    });
  });

  test('has two addresses: both are announced before they are dialled, and named', async () => {
    const port = await closedPort();
    const announced: string[] = [];
    const failure = await attempt({
      host: 'localhost',
      port,
      beforeDial: async ({ address }) => {
        announced.push(address);
      },
    }).catch((error: unknown) => String(error));
    expect(announced).toContain('127.0.0.1');
    for (const address of announced) expect(failure).toContain(address);
  });

  test('is not of the family asked for', async () => {
    await expect(attempt({ port: 22, options: ['AddressFamily=inet6'] })).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringContaining('cannot resolve the bastion 127.0.0.1 (IPv6 only)'),
    });
  });

  test('has no address', async () => {
    await expect(attempt({ host: 'bastion.invalid', port: 22 })).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringContaining('cannot resolve the bastion bastion.invalid: '),
    });
  });

  test('cannot be dialled from the bind address', async () => {
    const port = await listen(() => {});
    await expect(attempt({ port, options: ['BindAddress=192.0.2.1'] })).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringContaining('cannot use the bind address'),
    });
  });

  test('what beforeDial throws ends the attempt, and nothing is dialled', async () => {
    const port = await listen(() => {});
    const beforeDial = async () => {
      throw new Error('no rule');
    };
    await expect(attempt({ port, beforeDial })).rejects.toThrow('no rule');
    expect(accepted).toEqual([]);
  });
});

describe('a bastion that does not shake hands', () => {
  test.each([
    ['Not allowed at this time\r\n', 'Not allowed at this time'],
    ['Exceeded MaxStartups\r\n', 'Exceeded MaxStartups'],
    ['\x1b[2Jgo away', '[2Jgo away'],
  ])('but says %j: that is in the error', async (text, shown) => {
    const port = await listen((socket) => socket.end(text));
    await expect(attempt({ port })).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringContaining(`closed the connection before the handshake, saying '${shown}'`),
    });
  });

  test.each<[string, (socket: Socket) => void]>([
    ['closes', (socket) => socket.end()],
    ['resets', (socket) => socket.resetAndDestroy()],
  ])('but %s without a word: it may shut us out', async (_name, onConnection) => {
    const port = await listen((socket) => socket.once('data', () => onConnection(socket)));
    await expect(attempt({ port })).rejects.toMatchObject({
      remedy: expect.stringMatching(
        /it shuts this address out for now \(PerSourcePenalties, MaxStartups, fail2ban\)/,
      ),
    });
  });

  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['closes', (socket) => socket.end(), /handshake with .* failed: it closed the connection$/],
    ['resets', (socket) => socket.resetAndDestroy(), /failed: it reset the connection|connection reset/],
    ['closes after its version', (socket) => socket.end('SSH-2.0-x\r\n'), /it closed the connection/],
    [
      'speaks nonsense after its version',
      (socket) => socket.write(`SSH-2.0-x\r\n${'x'.repeat(100_000)}`),
      /failed: /,
    ],
    [
      'is no ssh server',
      (socket) => socket.write('a\n'.repeat(5000)),
      /failed: .*greeting.*; it sent 'a a a/,
    ],
  ])('but %s', async (_name, onConnection, message) => {
    const port = await listen(onConnection);
    await expect(attempt({ port })).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringMatching(message),
    });
    await until(() => accepted.every((socket) => socket.destroyed || socket.readableEnded), {
      deadlineMs: 5000,
      what: 'our end is closed',
    });
  });

  test('but is silent: it is given up after 15 s', async () => {
    const port = await listen(() => {});
    await expect(attempt({ port })).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringContaining('nothing came of it in 15 s, while waiting for its version'),
    });
  }, 25_000);
});

describe('an aborted attempt leaves no socket', () => {
  test('before it began', async () => {
    const port = await listen(() => {});
    await expect(attempt({ port, signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow(
      'stopped',
    );
    expect(accepted).toEqual([]);
  });

  test('while beforeDial is awaited', async () => {
    const port = await listen(() => {});
    const aborter = new AbortController();
    const beforeDial = async (): Promise<void> => {
      aborter.abort(new Error('stopped'));
      await new Promise(() => {});
    };
    await expect(attempt({ port, beforeDial, signal: aborter.signal })).rejects.toThrow('stopped');
    expect(accepted).toEqual([]);
  });

  test('while shaking hands', async () => {
    const aborter = new AbortController();
    const port = await listen(() => aborter.abort(new Error('stopped')));
    await expect(attempt({ port, signal: aborter.signal })).rejects.toThrow('stopped');
    const [socket] = accepted;
    await until(() => socket?.destroyed, { deadlineMs: 5000, what: 'our end is closed' });
  });
});

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { RequestedProxy } from '../../../../../src/ssh/config/request.ts';
import { readToEnd } from '../../../../support/in-process/socket-pair.ts';
import { openDestination } from '../../../../support/in-process/ssh2-pair.ts';
import { Child } from '../../../../support/process/child.ts';
import { until } from '../../../../support/process/until.ts';
import { type SshChain, startSshChain } from '../../../../support/servers/ssh-chain.ts';

let chain: SshChain;
const proxies: Child[] = [];

beforeAll(async () => {
  chain = await startSshChain(2);
});

afterAll(async () => {
  await chain[Symbol.asyncDispose]();
});

afterEach(async () => {
  for (const proxy of proxies.splice(0)) {
    proxy.kill('SIGTERM');
    await proxy.exited;
  }
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** A real SOCKS5 server. */
async function startProxy(...options: string[]): Promise<RequestedProxy> {
  const reserved = createServer();
  const port = await listen(reserved);
  reserved.close();
  await once(reserved, 'close');
  proxies.push(new Child(['microsocks', '-i', '127.0.0.1', '-p', String(port), ...options]));
  await until(
    async () => {
      const probe = connect(port, '127.0.0.1');
      const isThere = await new Promise((resolve) => {
        probe.once('connect', () => resolve(true));
        probe.once('error', () => resolve(false));
      });
      probe.destroy();
      return isThere === true;
    },
    { deadlineMs: 5_000, what: 'the proxy' },
  );
  return { host: '127.0.0.1', port, user: undefined, password: undefined };
}

test('only the proxy is dialled, and it resolves the name', async () => {
  const upstreamProxy = await startProxy();
  await chain.configure({ h2: ['HostName localhost', `HostKeyAlias [127.0.0.1]:${chain.servers[1]!.port}`] });
  const transport = await chain.connect({ upstreamProxy });
  expect(chain.dialled).toEqual([{ family: 4, address: '127.0.0.1', port: upstreamProxy.port }]);
  expect(transport.dialled).toEqual(chain.dialled[0]);
  expect(await transport.peers()).toEqual(chain.dialled);
  expect(transport.description).toContain(`@h2 (through the proxy 127.0.0.1:${upstreamProxy.port})`);
  await using destination = await openDestination((socket) => {
    void readToEnd(socket).then((bytes) => socket.end(bytes));
  });
  const { signal } = new AbortController();
  const socket = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
  const sent = randomBytes(2_000_000);
  socket.end(sent);
  expect((await readToEnd(socket)).equals(sent)).toBe(true);
  await transport.close();
  await chain.configure({});
});

test('it stands before the first jump host', async () => {
  const upstreamProxy = await startProxy();
  const transport = await chain.connect({ upstreamProxy, jump: 'h1' });
  expect(chain.dialled.map(({ port }) => port)).toEqual([upstreamProxy.port]);
  expect(transport.description).toMatch(/@h2 \(through \S+@h1 \(through the proxy /);
  await transport.close();
});

test('a login is given to it, and a wrong one is told', async () => {
  const upstreamProxy = await startProxy('-u', 'me', '-P', 's:e@cret');
  const transport = await chain.connect({
    upstreamProxy: { ...upstreamProxy, user: 'me', password: 's:e@cret' },
  });
  await transport.close();
  const wrong = { ...upstreamProxy, user: 'me', password: 'wrong' };
  await expect(chain.connect({ upstreamProxy: wrong })).rejects.toMatchObject({
    code: 'ERR_BASTION_UNREACHABLE',
    message: expect.stringMatching(/upstream proxy .* does not connect to the bastion .*authentication/i),
  });
  expect(chain.logger.lines.join('\n')).not.toContain('s:e@cret');
});

test('a proxy that is not there, or refuses, is told as such', async () => {
  const upstreamProxy = await startProxy();
  await expect(chain.connect({ upstreamProxy, host: '127.0.0.1', port: 9 })).rejects.toMatchObject({
    code: 'ERR_BASTION_UNREACHABLE',
    message: expect.stringMatching(/does not connect to the bastion \S+@127\.0\.0\.1:9: .*refused/i),
  });
  await expect(chain.connect({ upstreamProxy: { ...upstreamProxy, port: 9 } })).rejects.toMatchObject({
    code: 'ERR_BASTION_UNREACHABLE',
    message: 'cannot reach the upstream proxy 127.0.0.1: 127.0.0.1:9: connection refused',
  });
});

test('a proxy that says nothing is given up by the signal', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {}).resume()));
  const port = await listen(server);
  const stop = new AbortController();
  const upstreamProxy = { host: '127.0.0.1', port, user: undefined, password: undefined };
  const connecting = chain.connect({ upstreamProxy }, { signal: stop.signal });
  const refused = expect(connecting).rejects.toThrow('enough');
  await until(() => sockets.length > 0, { deadlineMs: 5_000, what: 'a connection' });
  stop.abort(new Error('enough'));
  await refused;
  await until(() => sockets[0]?.closed === true, { deadlineMs: 2_000, what: 'its end' });
  server.close();
});

test('the version of sshd that comes with the answer of the proxy is not lost', async () => {
  const sshd = chain.servers[1]!;
  const server = createServer((client) => {
    client.on('error', () => {});
    client.once('data', () => {
      client.write(Buffer.from([5, 0]));
      client.once('data', () => {
        const upstream = connect(sshd.port, '127.0.0.1');
        upstream.on('error', () => {});
        client.on('close', () => upstream.destroy());
        upstream.once('data', (version: Buffer) => {
          client.write(Buffer.concat([Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]), version]));
          upstream.pipe(client).pipe(upstream);
        });
      });
    });
  });
  const port = await listen(server);
  const upstreamProxy = { host: '127.0.0.1', port, user: undefined, password: undefined };
  const transport = await chain.connect({ upstreamProxy });
  await transport.close();
  server.close();
});

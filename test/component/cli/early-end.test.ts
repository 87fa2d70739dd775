import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Home, runReal } from './entry.ts';

// By the built program: a test process has ssh2 loaded already.

async function start(
  options: readonly string[],
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  await using home = await Home.make();
  return await runReal([...options, '--socks', '0'], { env: home.environment() });
}

/** Begins a tunnel to a server that does this as soon as it is connected to. */
async function startTo(onConnection: (socket: Socket) => void): ReturnType<typeof start> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await start(['-r', `me@127.0.0.1:${(server.address() as AddressInfo).port}`]);
  } finally {
    server.close();
  }
}

describe('a connection that ends while ssh2 is being loaded', () => {
  test('as its ProxyCommand does', async () => {
    const { code, stderr } = await start(['-r', 'me@bastion.example', '-o', 'ProxyCommand=false']);
    expect(stderr).toMatch(/ProxyCommand ended with status 1/);
    expect(code).toBe(68);
  });

  test('with a word', async () => {
    const { code, stderr } = await startTo((socket) => socket.end('Exceeded MaxStartups\r\n'));
    expect(stderr).toContain("saying 'Exceeded MaxStartups'");
    expect(code).toBe(68);
  });

  test('without a word', async () => {
    const { code, stderr } = await startTo((socket) => socket.end());
    expect(stderr).toContain('it closed the connection');
    expect(code).toBe(68);
  });
});

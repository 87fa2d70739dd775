import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ask } from '../../../../src/openstack/https/http.ts';

describe('a service of a cloud', () => {
  it.each([
    ['ends the connection without an answer', ''],
    ['is no web server', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
    ['speaks another protocol', 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
    ['answers before the answer only', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['ends in the middle', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}'],
  ])('that %s is said to give none', async (_what, greeting) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(greeting));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const url = new URL(`http://127.0.0.1:${port}/v3`);
    const open = async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    };
    const trust = { certificates: undefined, from: 'this machine' };
    const asking = ask({ url, method: 'GET' }, { open, trust, signal: AbortSignal.timeout(5_000) });
    await expect(asking).rejects.toMatchObject({
      code: 'ERR_API_UNREACHABLE',
      message: expect.stringContaining(`127.0.0.1:${port} gives no answer`),
    });
    server.close();
    await once(server, 'close');
  });
});

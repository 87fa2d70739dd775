import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { dialHost } from '../../../src/ssh/ssh2/dial.ts';

describe('dialling', () => {
  it('goes by the look-up that it is given, and not by the resolver of this machine', async () => {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const target = {
      host: 'bastion.invalid',
      port,
      addressFamily: 'any',
      bindAddress: undefined,
      connectTimeoutMs: 5_000,
    } as const;
    try {
      const { socket, peer } = await dialHost(target, 'bastion', {
        signal: new AbortController().signal,
        beforeDial: async () => {},
        lookUp: async (host) => (host === 'bastion.invalid' ? ['127.0.0.1'] : []),
      });
      expect(peer).toEqual({ family: 4, address: '127.0.0.1', port });
      socket.destroy();
    } finally {
      server.close();
    }
  });
});

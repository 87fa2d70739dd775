import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { dialHost } from '../../../../../src/ssh/ssh2/connection/dial.ts';

describe('dialling', () => {
  // The first: a connect(2) of another test would count, too.
  it('tells that a connection is under way only when the kernel has been asked for it', async () => {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { readonly port: number };
    const target = {
      host: '127.0.0.1',
      port,
      addressFamily: 'any',
      bindAddress: undefined,
      connectTimeoutMs: 5_000,
    } as const;
    let isConnected = false;
    const wasAsked: boolean[] = [];
    const context = {
      signal: new AbortController().signal,
      beforeDial: async () => {},
      onUnderWay: () =>
        wasAsked.push(isConnected || process.getActiveResourcesInfo().includes('ConnectWrap')),
    };
    try {
      const { socket } = await dialHost(target, 'bastion', context, () => {
        isConnected = true;
      });
      socket.destroy();
      await expect.poll(() => wasAsked).toEqual([true]);
    } finally {
      server.close();
    }
  });

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

  it('takes an address with a scope, of which rules know nothing', async () => {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, '::1');
    await once(server, 'listening');
    const { port } = server.address() as { readonly port: number };
    const target = { port, addressFamily: 'any', bindAddress: undefined, connectTimeoutMs: 5_000 } as const;
    const exempt: unknown[] = [];
    const context = {
      signal: new AbortController().signal,
      beforeDial: async (endpoint: unknown) => void exempt.push(endpoint),
    };
    try {
      const dialled = await dialHost({ ...target, host: '::1%lo' }, 'bastion', context);
      expect(dialled.peer).toEqual({ family: 6, address: '::1', port });
      expect(dialled.shown).toBe(`[::1%lo]:${port}`);
      expect(exempt).toEqual([dialled.peer]);
      dialled.socket.destroy();
      await expect(
        dialHost({ ...target, host: 'fe80::1%no-such' }, 'bastion', context),
      ).rejects.toMatchObject({
        code: 'ERR_BASTION_UNREACHABLE',
        message: expect.stringContaining(`[fe80::1%no-such]:${port}`),
      });
    } finally {
      server.close();
    }
  });
});

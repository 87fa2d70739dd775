import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { systemCodeOf } from '../../../../src/core/errors.ts';
import { QuerySockets } from '../../../../src/dns/pass-through/query-sockets.ts';

describe('the ports that pass the redirect', () => {
  it('are held in both families, so no other program can get one and go past us', async () => {
    const sockets = await QuerySockets.open(() => {});
    try {
      expect(sockets.ports).toHaveLength(15);
      for (const port of sockets.ports) {
        expect(await bindError('udp4', port)).toBe('EADDRINUSE');
        expect(await bindError('udp6', port)).toBe('EADDRINUSE');
      }
      expect(sockets.ports).toContain(sockets.any(4)?.port);
      expect(sockets.ports).toContain(sockets.any(6)?.port);
    } finally {
      sockets.close();
    }
  });
});

async function bindError(type: 'udp4' | 'udp6', port: number): Promise<string | undefined> {
  const socket = createSocket({ type, ipv6Only: type === 'udp6' });
  try {
    socket.bind({ port, exclusive: true });
    await once(socket, 'listening');
    return undefined;
  } catch (error) {
    return systemCodeOf(error as Error);
  } finally {
    socket.close();
  }
}

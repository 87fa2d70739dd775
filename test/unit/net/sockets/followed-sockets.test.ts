import { expect, test, vi } from 'vitest';
import type { SourceAddress } from '../../../../src/net/address/source-address.ts';
import { FollowedSockets } from '../../../../src/net/sockets/interfaces/followed-sockets.ts';

const at = (address: string): SourceAddress => ({
  interfaceName: 'docker0',
  interfaceIndex: 3,
  family: 4,
  address,
  sources: [],
});

/** Sockets that open in a later turn, and refuse an address that one of them has. */
function followed() {
  const open = new Set<string>();
  const opened = vi.fn(async ({ address }: SourceAddress) => {
    await new Promise(setImmediate);
    if (open.has(address)) throw Object.assign(new Error('taken'), { code: 'EADDRINUSE' });
    open.add(address);
    return { close: () => open.delete(address) };
  });
  return { sockets: new FollowedSockets(opened), open, opened };
}

test('two looks at once open no address twice, and the latest decides', async () => {
  const { sockets, open, opened } = followed();
  await Promise.all([
    sockets.follow([at('172.17.0.1'), at('172.18.0.1')]),
    sockets.follow([at('172.17.0.1')]),
    sockets.follow([at('172.17.0.1'), at('172.19.0.1')]),
  ]);
  expect([...open]).toEqual(['172.17.0.1', '172.19.0.1']);
  expect(opened).toHaveBeenCalledTimes(2);
  expect(sockets.refused).toEqual([]);
});

test('an address that is refused is told until it is had, or is not wanted any more', async () => {
  const { sockets, open } = followed();
  open.add('172.17.0.1');
  await sockets.follow([at('172.17.0.1'), at('172.18.0.1')]);
  expect(sockets.refused).toMatchObject([{ at: { address: '172.17.0.1' }, error: { code: 'EADDRINUSE' } }]);
  open.delete('172.17.0.1');
  await sockets.follow([at('172.17.0.1'), at('172.18.0.1')]);
  expect(sockets.refused).toEqual([]);
  expect(open.size).toBe(2);
});

test('what is opened while it closes is closed, too, and nothing more is opened', async () => {
  const closed = vi.fn();
  const open = vi.fn(async () => {
    sockets.close();
    return { close: closed };
  });
  const sockets = new FollowedSockets(open);
  await sockets.follow([at('172.17.0.1'), at('172.18.0.1')]);
  expect(open).toHaveBeenCalledOnce();
  expect(closed).toHaveBeenCalledOnce();
});

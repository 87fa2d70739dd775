import type { Socket } from 'node:net';

/**
 * The file descriptor under a socket, for native calls; undefined once it is closed.
 *
 * Node has no public way to it. `_handle.fd` has been there since 0.x (native-notes/original-destination.md).
 */
export function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const descriptor: unknown = Reflect.get(handle, 'fd');
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined;
}

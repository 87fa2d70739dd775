import type { Server, Socket } from 'node:net';

interface HasHandle {
  readonly _handle?: { readonly fd?: unknown } | null;
}

/**
 * The file descriptor under a socket or a listening server, for native calls; undefined once it is closed.
 *
 * Node has no public way to it. `_handle.fd` has been there since 0.x (native-notes/original-destination.md).
 */
export function descriptorOf(socket: Socket | Server): number | undefined {
  // Not by Reflect.get, which is looked up anew each time: this is on the way of every write.
  const descriptor = (socket as unknown as HasHandle)._handle?.fd;
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined;
}

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

/**
 * The descriptor of a socket where bytes and the end of data may go past its stream: nothing waits in that, so the order is kept.
 * Undefined where the stream has to take them, and where the system is not Linux.
 */
export function idleDescriptorOf(socket: Socket): number | undefined {
  if (process.platform !== 'linux' || !socket.writable) return undefined;
  if (socket.writableLength > 0 || socket.writableCorked > 0) return undefined;
  return descriptorOf(socket);
}

import type { Server, Socket } from 'node:net';
import { libcFunctionOr } from '../library.ts';

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

/** fcntl.h: the number is Linux's. */
const F_DUPFD_CLOEXEC = 1030;

type Fcntl = (descriptor: number, command: number, type: 'int', least: number) => number;

/**
 * Another descriptor for the same open file, which the caller has to close; children do not get it.
 *
 * @returns undefined where the system is not Linux, has no descriptor left, or there is no native library
 */
export function duplicateDescriptor(descriptor: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const fcntl = libcFunctionOr<Fcntl>('int fcntl(int descriptor, int command, ...)', () => -1);
  const duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 'int', 0);
  return duplicate < 0 ? undefined : duplicate;
}

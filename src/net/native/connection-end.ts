import type { Socket } from 'node:net';
import { descriptorOf, idleDescriptorOf } from './descriptors/descriptor.ts';
import { libcFunctionOr } from './library.ts';

/** sys/socket.h. */
const SHUT_WR = 1;

/** A struct sockaddr whose family is AF_UNSPEC. */
const NOWHERE = new Uint8Array(16);

type Shutdown = (descriptor: number, how: number) => number;
type Connect = (descriptor: number, address: Uint8Array, length: number) => number;

let shutdown: Shutdown | undefined;
let connect: Connect | undefined;

/**
 * Sends the end of data (FIN) at once, after all that the kernel has, past the stream: `end()` takes a request object, two
 * events and three ticks for it.
 *
 * The stream does not know: nothing may be written any more, and when its other direction has ended, too, it does not close by
 * itself.
 *
 * @returns false when something still waits in the stream, the socket has failed, or the system is not Linux: use `end()`
 */
export function shutNow(socket: Socket): boolean {
  const descriptor = idleDescriptorOf(socket);
  if (descriptor === undefined) return false;
  shutdown ??= libcFunctionOr<Shutdown>('int shutdown(int descriptor, int how)', () => -1);
  return shutdown(descriptor, SHUT_WR) === 0;
}

/**
 * Resets a TCP connection at once, also where another process has a copy of its descriptor: connect(2) to AF_UNSPEC. No
 * effect on a socket that is closed or no TCP connection, or where the system is not Linux.
 *
 * The socket itself is still to be destroyed.
 */
export function resetNow(socket: Socket): void {
  const descriptor = descriptorOf(socket);
  if (process.platform !== 'linux' || descriptor === undefined) return;
  connect ??= libcFunctionOr<Connect>(
    'int connect(int descriptor, const void *address, uint32_t length)',
    () => -1,
  );
  connect(descriptor, NOWHERE, NOWHERE.length);
}

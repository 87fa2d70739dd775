import type { Socket } from 'node:net';
import { idleDescriptorOf } from './native-descriptor.ts';
import { libcFunctionOr } from './native-library.ts';

/** sys/socket.h. */
const SHUT_WR = 1;

type Shutdown = (descriptor: number, how: number) => number;

let shutdown: Shutdown | undefined;

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

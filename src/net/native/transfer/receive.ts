import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { descriptorOf } from '../descriptors/descriptor.ts';
import { lastErrno, libcFunctionOr } from '../library.ts';

/** asm-generic/socket.h. */
const MSG_DONTWAIT = 0x40;

/** Nothing there now, or a signal came first. */
const NOT_NOW: ReadonlySet<number> = new Set([constants.errno.EAGAIN, constants.errno.EINTR]);

type Receive = (descriptor: number, memory: Uint8Array, length: number, flags: number) => number;

let receive: Receive | undefined;

/**
 * Takes from the kernel what it has now, past the stream, to where the caller wants it: recv(2).
 *
 * Only while the stream does not read (`pauseReads`) and has nothing, so that the order is kept. A failure destroys the socket,
 * as one of the stream's own reads does: the kernel tells of it once. Does not count in `socket.bytesRead`.
 *
 * @returns how many bytes; 0 when there is nothing now, or the end of data, of which the stream's next read tells;
 *   always without a native library
 */
export function receiveNow(socket: Socket, memory: Uint8Array): number {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return 0;
  receive ??= libcFunctionOr<Receive>(
    'intptr_t recv(int descriptor, _Out_ void *memory, uintptr_t length, int flags)',
    () => 0,
  );
  const bytes = receive(descriptor, memory, memory.length, MSG_DONTWAIT);
  if (bytes >= 0) return bytes;
  const errno = lastErrno();
  if (!NOT_NOW.has(errno)) socket.destroy(readError(errno));
  return 0;
}

/** As Node's own are. */
function readError(errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`read ${code}`), { code, errno: -errno, syscall: 'read' });
}

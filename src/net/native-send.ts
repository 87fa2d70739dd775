import type { Socket } from 'node:net';
import { descriptorOf } from './native-descriptor.ts';
import { openLibc } from './native-library.ts';

/** asm-generic/socket.h. */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

type Send = (descriptor: number, bytes: Uint8Array, length: number, flags: number) => number;
let send: Send | undefined;

const sentNow = new WeakMap<Socket, number>();

/**
 * Gives bytes to the kernel at once, past the stream: no request object, no callback, and the bytes are the caller's again
 * when it returns.
 *
 * Only while nothing waits in the stream, so that the order is kept. Does not count in `socket.bytesWritten`.
 *
 * @returns how many bytes the kernel took; 0 when it takes none now, the socket has failed, or the system is not Linux. The
 *   caller writes the rest to the stream, which also tells of failures.
 */
export function sendNow(socket: Socket, bytes: Uint8Array): number {
  if (process.platform !== 'linux' || !socket.writable) return 0;
  if (socket.writableLength > 0 || socket.writableCorked > 0) return 0;
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return 0;
  send ??= openLibc().func(
    'intptr_t send(int descriptor, const void *bytes, uintptr_t length, int flags)',
  ) as Send;
  return Math.max(0, send(descriptor, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/** As {@link sendNow}, and counts what was sent in {@link bytesSentNow}. */
export function sendNowCounted(socket: Socket, bytes: Uint8Array): number {
  const sentBytes = sendNow(socket, bytes);
  sentNow.set(socket, bytesSentNow(socket) + sentBytes);
  return sentBytes;
}

/** What {@link sendNowCounted} has sent on a socket so far. */
export function bytesSentNow(socket: Socket): number {
  return sentNow.get(socket) ?? 0;
}

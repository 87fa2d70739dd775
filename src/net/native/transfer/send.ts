import type { Socket } from 'node:net';
import { idleDescriptorOf } from '../descriptors/descriptor.ts';
import { addressOf, hasNativeLibrary, libcFunctionOr } from '../library.ts';

/** asm-generic/socket.h. */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;

/** What a system call returns then. */
const FAILED = -1;

/** An address and a length in struct iovec, as the 64-bit systems have them. */
const WORDS_OF_PIECE = 2;
const MAX_PIECES = 64;
const HAS_WIDE_WORDS = ['x64', 'arm64', 'riscv64', 'loong64', 'ppc64'].includes(process.arch);

type Send = (descriptor: number, bytes: Uint8Array, length: number, flags: number) => number;
type WriteVector = (descriptor: number, pieces: BigUint64Array, count: number) => number;
let send: Send | undefined;
let writeVector: WriteVector | undefined;
/** Read by the kernel during a call only. */
const vector = new BigUint64Array(WORDS_OF_PIECE * MAX_PIECES);

const sentNow = new WeakMap<Socket, number>();

/**
 * Gives bytes to the kernel at once, past the stream: no request object, no callback, and the bytes are the caller's again
 * when it returns.
 *
 * Only while nothing waits in the stream, so that the order is kept. Does not count in `socket.bytesWritten`.
 *
 * @param isLast the end of data is next: where that can be, both go in one packet (MSG_MORE, tcp(7))
 * @returns how many bytes the kernel took; 0 when it takes none now, the socket has failed, or the system is not Linux. The
 *   caller writes the rest to the stream, which also tells of failures.
 */
export function sendNow(socket: Socket, bytes: Uint8Array, isLast = false): number {
  const descriptor = idleDescriptorOf(socket);
  if (descriptor === undefined) return 0;
  send ??= libcFunctionOr<Send>(
    'intptr_t send(int descriptor, const void *bytes, uintptr_t length, int flags)',
    () => FAILED,
  );
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL | (isLast ? MSG_MORE : 0);
  return Math.max(0, send(descriptor, bytes, bytes.length, flags));
}

/**
 * As {@link sendNow}, of bytes that lie in several places: one call, and whom they are for wakes up once (writev(2)).
 *
 * @returns how many bytes of all pieces together the kernel took
 */
export function sendPiecesNow(socket: Socket, pieces: readonly Uint8Array[], isLast = false): number {
  const [first] = pieces;
  if (first === undefined) return 0;
  if (pieces.length === 1 || !HAS_WIDE_WORDS) return sendNow(socket, first, isLast);
  const descriptor = idleDescriptorOf(socket);
  if (descriptor === undefined || !hasNativeLibrary()) return 0;
  const count = Math.min(pieces.length, MAX_PIECES);
  for (let index = 0; index < count; index++) {
    const piece = pieces[index] as Uint8Array;
    vector[WORDS_OF_PIECE * index] = addressOf(piece);
    vector[WORDS_OF_PIECE * index + 1] = BigInt(piece.length);
  }
  // Descriptors of sockets do not block, and Node ignores SIGPIPE.
  writeVector ??= libcFunctionOr<WriteVector>(
    'intptr_t writev(int descriptor, const void *pieces, int count)',
    () => FAILED,
  );
  return Math.max(0, writeVector(descriptor, vector, count));
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

/**
 * Sends bytes of a reused buffer, as many as the kernel takes at once.
 *
 * @param isLast the end of data is next
 * @returns a copy of the rest, for the socket's stream; undefined when nothing is left
 */
export function sendOrCopy(socket: Socket, pieces: readonly Buffer[], isLast = false): Buffer | undefined {
  let takenBytes = sendPiecesNow(socket, pieces, isLast);
  const rest: Buffer[] = [];
  for (const piece of pieces) {
    if (takenBytes < piece.length) rest.push(piece.subarray(Math.max(0, takenBytes)));
    takenBytes -= piece.length;
  }
  return rest.length === 0 ? undefined : Buffer.concat(rest);
}

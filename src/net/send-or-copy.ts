import type { Socket } from 'node:net';
import { sendPiecesNow } from './native-send.ts';

/**
 * Gives bytes that are only lent to the kernel, as far as it takes them at once.
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

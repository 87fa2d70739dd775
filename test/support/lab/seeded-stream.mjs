import { createCipheriv, createHash } from 'node:crypto';

const CHUNK_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/**
 * The first `bytes` bytes of the stream that a seed stands for: the same on both sides, and no two offsets alike.
 *
 * @param {string} seed
 * @param {number} bytes
 */
export function* seededChunks(seed, bytes) {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    yield cipher.update(ZEROS.subarray(0, Math.min(left, CHUNK_BYTES)));
  }
}

/**
 * Writes the seeded stream to a socket with back-pressure. Ends early, without error, when the socket is closed.
 *
 * @param {import('node:net').Socket} socket
 * @param {string} seed
 * @param {number} bytes
 */
export async function writeSeeded(socket, seed, bytes) {
  for (const chunk of seededChunks(seed, bytes)) {
    if (socket.destroyed) return;
    if (socket.write(chunk)) continue;
    await new Promise((resolve) => {
      const go = () => {
        socket.off('drain', go).off('close', go);
        resolve(undefined);
      };
      socket.on('drain', go).on('close', go);
    });
  }
}

/**
 * SHA-256, in hex, of the seeded stream.
 *
 * @param {string} seed
 * @param {number} bytes
 */
export function seededHash(seed, bytes) {
  const hash = createHash('sha256');
  for (const chunk of seededChunks(seed, bytes)) hash.update(chunk);
  return hash.digest('hex');
}

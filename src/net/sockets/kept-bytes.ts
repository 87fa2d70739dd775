/** As large as a read; what is larger has memory of its own. */
const PIECE_BYTES = 64 * 1024;

/** 4 MiB; what is given back beyond that is left to the garbage collector. */
const MAX_FREE_PIECES = 64;

const free: ArrayBuffer[] = [];
const pieces = new WeakSet<ArrayBufferLike>();

/** A copy of bytes that are only lent, in memory that is used again after {@link giveBack}. */
export function keepBytes(lent: Uint8Array): Buffer {
  if (lent.length > PIECE_BYTES || lent.length < Buffer.poolSize / 2) return Buffer.from(lent);
  const memory = free.pop() ?? new ArrayBuffer(PIECE_BYTES);
  pieces.add(memory);
  const kept = Buffer.from(memory, 0, lent.length);
  kept.set(lent);
  return kept;
}

/** Whether bytes are a copy by {@link keepBytes} in memory that is used again: they need no other. */
export function isKept(bytes: Buffer): boolean {
  return pieces.has(bytes.buffer);
}

/**
 * Gives the memory of kept bytes back: nobody may refer to it any more. Once for each {@link keepBytes}; without it the memory
 * is collected as any other. Bytes that were not kept are let alone.
 */
export function giveBack(kept: Buffer): void {
  if (pieces.has(kept.buffer) && free.length < MAX_FREE_PIECES) free.push(kept.buffer as ArrayBuffer);
}

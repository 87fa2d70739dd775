/** As large as a read; what is larger has memory of its own. */
const PIECE_BYTES = 64 * 1024;

/** 4 MiB; what is released beyond that is left to the garbage collector. */
const MAX_FREE_PIECES = 64;

const free: ArrayBuffer[] = [];
const pieces = new WeakSet<ArrayBufferLike>();

/** Copies bytes of a reused buffer, to memory of a pool; it goes back with {@link release}. */
export function copyToPool(bytes: Uint8Array): Buffer {
  if (bytes.length > PIECE_BYTES || bytes.length < Buffer.poolSize / 2) return Buffer.from(bytes);
  const memory = free.pop() ?? new ArrayBuffer(PIECE_BYTES);
  pieces.add(memory);
  const copy = Buffer.from(memory, 0, bytes.length);
  copy.set(bytes);
  return copy;
}

/** Whether bytes are in the pool's memory already, by {@link copyToPool}. */
export function isPooled(bytes: Buffer): boolean {
  return pieces.has(bytes.buffer);
}

/**
 * Returns memory to the pool: nobody may refer to it any more. Once for each {@link copyToPool}; without it the memory
 * is collected as any other. Other bytes are left alone.
 */
export function release(copy: Buffer): void {
  if (pieces.has(copy.buffer) && free.length < MAX_FREE_PIECES) free.push(copy.buffer as ArrayBuffer);
}

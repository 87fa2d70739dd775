const PRIME = 2n ** 130n - 5n;
const CLAMP = 0x0ffffffc_0ffffffc_0ffffffc_0fffffffn;
const BLOCK_BYTES = 16;

/**
 * Poly1305 (RFC 8439 section 2.5), which node:crypto has only as a part of RFC 8439's AEAD. For a few kilobytes that are
 * nobody's secret yet: it is slow, and its time depends on the data.
 *
 * @param key 32 bytes, used once
 */
export function poly1305(key: Buffer, message: Buffer): Buffer {
  const multiplier = littleEndian(key.subarray(0, BLOCK_BYTES)) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < message.length; at += BLOCK_BYTES) {
    const block = message.subarray(at, at + BLOCK_BYTES);
    sum = ((sum + littleEndian(block) + (1n << BigInt(8 * block.length))) * multiplier) % PRIME;
  }
  const tag = BigInt.asUintN(128, sum + littleEndian(key.subarray(BLOCK_BYTES)));
  return Buffer.from(tag.toString(16).padStart(2 * BLOCK_BYTES, '0'), 'hex').reverse();
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

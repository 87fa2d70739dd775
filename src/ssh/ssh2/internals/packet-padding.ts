import { randomFillSync } from 'node:crypto';
import { TAG_BYTES } from './native-aes-gcm.ts';

/** RFC 4253 section 6: length, padding length. */
const HEADER_BYTES = 5;
const LENGTH_BYTES = 4;

/** RFC 4253 section 6 and RFC 5647 section 7.2: padding of at least 4 bytes, up to a whole number of cipher blocks. */
const MIN_PADDING_BYTES = 4;
const BLOCK_BYTES = 16;

/** Random bytes are drawn from the system for so many packets at once. */
const POOL_BYTES = 64 * 1024;

const pool = Buffer.alloc(POOL_BYTES);
let usedBytes = POOL_BYTES;

/** How long a binary packet for AES-GCM is, its tag included. */
export function gcmPacketBytes(payloadBytes: number): number {
  return HEADER_BYTES + payloadBytes + paddingBytesOf(payloadBytes) + TAG_BYTES;
}

/**
 * Fills in the header and the padding of a binary packet of {@link gcmPacketBytes}, as ssh2's own `allocPacket` does. The
 * padding is random and used once, but drawn from the system in bulk.
 */
export function framePacket(packet: Buffer, payloadBytes: number): void {
  const paddingBytes = paddingBytesOf(payloadBytes);
  const unpaddedBytes = HEADER_BYTES + payloadBytes;
  packet.writeUInt32BE(unpaddedBytes + paddingBytes - LENGTH_BYTES, 0);
  packet[LENGTH_BYTES] = paddingBytes;
  if (usedBytes + paddingBytes > POOL_BYTES) {
    randomFillSync(pool);
    usedBytes = 0;
  }
  pool.copy(packet, unpaddedBytes, usedBytes, usedBytes + paddingBytes);
  usedBytes += paddingBytes;
}

function paddingBytesOf(payloadBytes: number): number {
  const unpaddedBytes = HEADER_BYTES + payloadBytes;
  const paddingBytes = BLOCK_BYTES - ((unpaddedBytes - LENGTH_BYTES) % BLOCK_BYTES);
  return paddingBytes < MIN_PADDING_BYTES ? paddingBytes + BLOCK_BYTES : paddingBytes;
}

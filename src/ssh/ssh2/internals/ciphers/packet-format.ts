import { randomFillSync } from 'node:crypto';
import { LENGTH_BYTES } from './cipher-shape.ts';

/** RFC 4253 section 6: length, padding length. */
const HEADER_BYTES = 5;

/** RFC 4253 section 6: padding of at least 4 bytes, up to a whole number of cipher blocks. */
const MIN_PADDING_BYTES = 4;

/** Random bytes are drawn from the system for so many packets at once. */
const POOL_BYTES = 64 * 1024;

const pool = Buffer.alloc(POOL_BYTES);
let usedBytes = POOL_BYTES;

/** What a cipher needs of a binary packet. */
export interface PacketFormat {
  readonly blockBytes: number;
  /** Of what authenticates it, behind it. */
  readonly tagBytes: number;
  /** Whether its length counts for whole blocks: it does where it is encrypted with the rest. */
  readonly isLengthInBlocks: boolean;
}

/** RFC 5647 sections 7.1 and 7.2. */
export const GCM_FORMAT: PacketFormat = { blockBytes: 16, tagBytes: 16, isLengthInBlocks: false };

/** How long a binary packet is, its tag included. */
export function packetBytesOf(format: PacketFormat, payloadBytes: number): number {
  return HEADER_BYTES + payloadBytes + paddingBytesOf(format, payloadBytes) + format.tagBytes;
}

/**
 * Fills in the header and the padding of a binary packet of {@link packetBytesOf}, as ssh2's own `allocPacket` does. The
 * padding is random and used once, but drawn from the system in bulk.
 */
export function framePacket(format: PacketFormat, packet: Buffer, payloadBytes: number): void {
  const paddingBytes = paddingBytesOf(format, payloadBytes);
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

function paddingBytesOf({ blockBytes, isLengthInBlocks }: PacketFormat, payloadBytes: number): number {
  const unpaddedBytes = HEADER_BYTES + payloadBytes - (isLengthInBlocks ? 0 : LENGTH_BYTES);
  const paddingBytes = blockBytes - (unpaddedBytes % blockBytes);
  return paddingBytes < MIN_PADDING_BYTES ? paddingBytes + blockBytes : paddingBytes;
}

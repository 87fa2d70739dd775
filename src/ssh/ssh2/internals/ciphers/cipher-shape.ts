// ssh2's ciphers (lib/protocol/crypto.js), as far as packets are encrypted and decrypted in place. It has each of them twice: in
// native code, and in JavaScript, which makes an object of Node's and new memory for each packet, and shows all that it has. Not public;
// channel-internals.ts refuses any other version than the one this was written against.

/** RFC 4253 section 6: the length of a packet, which does not count itself and what authenticates the packet. */
export const LENGTH_BYTES = 4;

/** ssh2's own limit (lib/protocol/crypto.js MAX_PACKET_SIZE). */
const MAX_PACKET_BYTES = 35_000;

/** One for each key exchange. */
export interface Cipher {
  outSeqno: number;
  allocPacket(payloadBytes: number): Buffer;
  /** In place, after `encryptInPlace`. */
  encrypt(packet: Buffer): void;
  /** Gets each packet right after it was encrypted; by ssh2's own JavaScript in several parts. */
  _onWrite(packet: Buffer): void;
  /** By ssh2, when the next one takes its place, and at the end of the connection. */
  free(): void;
}

/** One for each key exchange. */
export interface Decipher {
  /** A packet of which all but its tag has arrived is a view of the read; one of which less has arrived is a copy. */
  readonly _packet: Uint8Array | null;
  inSeqno: number;
  decrypt(read: Buffer, at: number, end: number): number | undefined;
  free(): void;
  /** A result ends the decryption of this read: there, or where it was when false. */
  _onPayload(payload: Buffer): number | false | undefined;
}

/** A cipher of ssh2's JavaScript. */
interface ScriptCipher extends Cipher {
  _dead: boolean;
}

/** How the packets of a decipher are decrypted in place, one after the other. */
export interface Decryption {
  /** Of what authenticates a packet, behind it. */
  readonly tagBytes: number;
  /** Whether ssh2 has not begun a packet by itself, which it must then finish. */
  isBetweenPackets(): boolean;
  /**
   * The length of a packet, of which the beginning may have been decrypted then. Asked again for one that is not complete.
   *
   * @param at where its length is
   * @returns without length and tag; undefined where too little has arrived
   * @throws Error when there is no such packet
   */
  packetBytes(read: Buffer, at: number): number | undefined;
  /**
   * Decrypts a whole packet in place.
   *
   * @param packetBytes as {@link packetBytes} has told
   * @returns the packet without length and tag
   * @throws Error when it is not what was sent
   */
  decrypt(read: Buffer, at: number, packetBytes: number): Buffer;
}

/** What authenticates a packet is not what its bytes come to. ssh(1) says the same of it. */
export function corruptedPacket(): Error {
  return new Error('a packet was changed on the way (corrupted MAC on input)');
}

/**
 * Refuses lengths that no packet has, as ssh2 does: such bytes are none, or were changed.
 *
 * @param alignedBytes how much is padded to whole blocks
 * @throws Error
 */
export function checkLength(packetBytes: number, alignedBytes: number, blockBytes: number): void {
  const isPacket =
    packetBytes >= blockBytes - LENGTH_BYTES &&
    packetBytes <= MAX_PACKET_BYTES &&
    alignedBytes % blockBytes === 0;
  if (!isPacket) throw new Error('a packet was changed on the way (bad packet length)');
}

/** A packet with room for its tag behind it: those that ssh2 builds by itself have none, or one for the cipher before. */
function withRoomForTag(packet: Buffer, tagBytes: number): Buffer {
  const unsealedBytes = LENGTH_BYTES + packet.readUInt32BE(0);
  if (packet.length === unsealedBytes + tagBytes) return packet;
  return Buffer.concat([packet.subarray(0, unsealedBytes)], unsealedBytes + tagBytes);
}

/**
 * Replaces how a cipher of ssh2's JavaScript encrypts.
 *
 * @param seal encrypts a whole packet, its length included, where it is, and fills in its tag
 * @param free gives back what it needs; idempotent
 */
export function replaceEncryption(
  cipher: Cipher,
  tagBytes: number,
  seal: (sequence: number, packet: Buffer) => void,
  free: () => void,
): void {
  const script = cipher as ScriptCipher;
  script.encrypt = (given) => {
    if (script._dead) return;
    const packet = withRoomForTag(given, tagBytes);
    seal(script.outSeqno, packet);
    script.outSeqno = (script.outSeqno + 1) >>> 0;
    script._onWrite(packet);
  };
  freeWith(script, free);
}

/** Has more given back when ssh2 frees a cipher. */
export function freeWith(cipher: Pick<Cipher, 'free'>, free: () => void): void {
  const freeItself = cipher.free;
  cipher.free = () => {
    freeItself.call(cipher);
    free();
  };
}

import type { Socket } from 'node:net';
import { lendReads } from '../../net/lent-reads.ts';
import { buildPacket, OutgoingPackets } from './outgoing-packets.ts';

// The packet layer of ssh2's protocol object (RFC 4253 section 6), as far as the data path goes past it: the memory that
// packets are read into and built in, and the decryption of channel data. Not public; channel-internals.ts refuses any other
// version than the one this was written against.

/** RFC 4254 section 5.2. */
const SSH_MSG_CHANNEL_DATA = 94;

const LENGTH_BYTES = 4;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

/** ssh2's own limit (lib/protocol/crypto.js MAX_PACKET_SIZE); its own code tells of what is larger. */
const MAX_PACKET_BYTES = 35_000;

/** In a decrypted packet: padding length, message type, recipient, length of the data. */
const TYPE_OFFSET = 1;
const RECIPIENT_OFFSET = 2;
const DATA_LENGTH_OFFSET = 6;
const DATA_OFFSET = 10;

/** Several packets of a busy connection. */
const READ_BYTES = 256 * 1024;

/** For memory that is used once. */
const ONE_READ_BYTES = 64 * 1024;

/** Decipher classes that refer to what was read in `_packet` only. */
const REUSABLE_AFTER: ReadonlySet<string> = new Set(['AESGCMDecipherBinding', 'ChaChaPolyDecipherBinding']);

/** One for each key exchange. */
interface Cipher {
  allocPacket(payloadBytes: number): Buffer;
  /** Gets each packet, encrypted in place, right after it was built. */
  _onWrite(packet: Buffer): void;
}

/** One for each key exchange. */
interface Decipher {
  /** A packet of which all but its tag has arrived is a view of the read; one of which less has arrived is a copy. */
  readonly _packet: Uint8Array | null;
  decrypt(read: Buffer, at: number, end: number): number | undefined;
}

/** `AESGCMDecipherBinding`. */
interface GcmDecipher extends Decipher {
  inSeqno: number;
  /** How much of a packet's length has arrived; 0 between packets. */
  readonly _lenBytes: number;
  readonly _instance: { decrypt(packet: Uint8Array, length: number, tag: Uint8Array): void };
  /** A result ends the decryption of this read: there, or where it was when false. */
  _onPayload(payload: Buffer): number | false | undefined;
}

/** What the packet layer needs of ssh2's protocol object. */
export interface PacketProtocol {
  readonly _cipher: Cipher;
  readonly _decipher: Decipher;
  /** Set while keys are being exchanged. */
  readonly _kexinit: unknown;
  /** Compression, where it was agreed on. */
  readonly _packetRW: { readonly read: object };
}

/** Takes channel data, which is lent for the call; false when the channel is not ours, and nothing is taken. */
type TakeData = (localId: number, bytes: Buffer) => boolean;

/**
 * The packets of one connection, in memory that is used again, with a short way for the data of our channels. With another
 * cipher than AES-GCM in ssh2's native code, packets go ssh2's own way.
 */
export class PacketLayer {
  readonly outgoing: OutgoingPackets;
  readonly #protocol: PacketProtocol;
  readonly #takeData: TakeData;
  #memory = Buffer.allocUnsafeSlow(READ_BYTES);
  #isReadKept = false;

  constructor(protocol: PacketProtocol, socket: Socket, takeData: TakeData) {
    this.outgoing = new OutgoingPackets(socket);
    this.#protocol = protocol;
    this.#takeData = takeData;
    this.onNewKeys();
    lendReads(socket, () => this.#nextMemory());
  }

  /** What is being read now was given to somebody who may keep it. */
  keepRead(): void {
    this.#isReadKept = true;
  }

  /** Takes over the ciphers of a key exchange that is complete. */
  onNewKeys(): void {
    const { _cipher: cipher, _decipher: decipher } = this.#protocol;
    if (cipher.constructor.name === 'AESGCMCipherBinding') {
      // Packets that are built during a key exchange wait in ssh2's queue, so their memory is theirs.
      cipher.allocPacket = (payloadBytes) =>
        this.#protocol._kexinit === undefined ? this.outgoing.build(payloadBytes) : buildPacket(payloadBytes);
      cipher._onWrite = (packet) => this.outgoing.send(packet);
    }
    const isCompressed = this.#protocol._packetRW.read.constructor.name !== 'PacketReader';
    if (decipher.constructor.name === 'AESGCMDecipherBinding' && !isCompressed) {
      this.#shortenDecryption(decipher as GcmDecipher);
    }
  }

  /** Decrypts whole packets with half of the objects that ssh2 makes for each; parts of packets are left to ssh2. */
  #shortenDecryption(decipher: GcmDecipher): void {
    const decryptPart = decipher.decrypt;
    decipher.decrypt = (read, from, end) => {
      let at = from;
      while (at < end) {
        const packetBytes = decipher._lenBytes === 0 ? wholePacketBytes(read, at, end) : undefined;
        if (packetBytes === undefined) return decryptPart.call(decipher, read, at, end);
        const packet = read.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + packetBytes);
        at += LENGTH_BYTES + packetBytes + TAG_BYTES;
        decipher._instance.decrypt(packet, packetBytes, read.subarray(at - TAG_BYTES, at));
        decipher.inSeqno = (decipher.inSeqno + 1) >>> 0;
        if (this.#takeChannelData(packet)) continue;
        const result = decipher._onPayload(packet.subarray(1, packetBytes - (packet[0] ?? 0)));
        if (result !== undefined) return result === false ? at : result;
      }
      return undefined;
    };
  }

  /** Whether a decrypted packet was data for a channel of ours; a malformed one is ssh2's to refuse. */
  #takeChannelData(packet: Buffer): boolean {
    if (packet[TYPE_OFFSET] !== SSH_MSG_CHANNEL_DATA) return false;
    const payloadEnd = packet.length - (packet[0] ?? 0);
    if (payloadEnd < DATA_OFFSET) return false;
    const dataEnd = DATA_OFFSET + packet.readUInt32BE(DATA_LENGTH_OFFSET);
    if (dataEnd > payloadEnd) return false;
    return this.#takeData(packet.readUInt32BE(RECIPIENT_OFFSET), packet.subarray(DATA_OFFSET, dataEnd));
  }

  /** Where the next read goes to: the same memory, unless something of ssh2's still refers to it. */
  #nextMemory(): Buffer {
    const { _kexinit, _decipher } = this.#protocol;
    const isReusable = REUSABLE_AFTER.has(_decipher.constructor.name);
    const isHandled =
      !this.#isReadKept && _kexinit === undefined && _decipher._packet?.buffer !== this.#memory.buffer;
    if (!isReusable || !isHandled) {
      this.#memory = Buffer.allocUnsafeSlow(isReusable ? READ_BYTES : ONE_READ_BYTES);
    }
    this.#isReadKept = false;
    return this.#memory;
  }
}

/** The length of the packet that begins here, when all of it and its tag is here and ssh2 would take it. */
function wholePacketBytes(read: Buffer, at: number, end: number): number | undefined {
  if (at + LENGTH_BYTES + BLOCK_BYTES + TAG_BYTES > end) return undefined;
  const bytes = read.readUInt32BE(at);
  const isValid = bytes >= BLOCK_BYTES && bytes % BLOCK_BYTES === 0 && bytes + 20 <= MAX_PACKET_BYTES;
  return isValid && at + LENGTH_BYTES + bytes + TAG_BYTES <= end ? bytes : undefined;
}

import type { Socket } from 'node:net';
import { reuseReadBuffer } from '../../../net/sockets/read-buffer.ts';
import type { ChannelWireEvents, DataSource } from '../channels/channel-wire.ts';
import { SSH_MSG_CHANNEL_DATA, takeChannelMessage } from './channel-messages.ts';
import { type Cipher, type Decipher, type Decryption, LENGTH_BYTES } from './ciphers/cipher-shape.ts';
import { decryptionInPlace, encryptInPlace } from './ciphers/in-place.ts';
import { framePacket, type PacketFormat, packetBytesOf } from './ciphers/packet-format.ts';
import { OutgoingPackets } from './outgoing-packets.ts';

// The packet layer of ssh2's protocol object (RFC 4253 section 6), as far as the data path goes past it: the memory that
// packets are read into and built in, and the decryption of channel messages. Not public; channel-internals.ts refuses any
// other version than the one this was written against.

/** In a packet that is built: its length and that of its padding; then the payload, which is, of data, type, recipient, length. */
const PAYLOAD_OFFSET = 5;
const DATA_HEADER_BYTES = 9;
const DATA_OFFSET = PAYLOAD_OFFSET + DATA_HEADER_BYTES;

/** Several packets of a busy connection. */
const READ_BYTES = 256 * 1024;

/** For memory that is used once. */
const ONE_READ_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);

/** Decipher classes that refer to what was read in `_packet` only, beside those that decrypt in place. */
const REUSABLE_AFTER: ReadonlySet<string> = new Set([
  'AESGCMDecipherBinding',
  'AESGCMDecipherNative',
  'ChaChaPolyDecipherBinding',
]);

/** The part of ssh2's protocol object that the packet layer uses. */
export interface PacketProtocol {
  readonly _cipher: Cipher;
  readonly _decipher: Decipher;
  /** Set while keys are being exchanged. */
  readonly _kexinit: unknown;
  /** Compression, where it was agreed on. */
  readonly _packetRW: { readonly read: object; readonly write: object };
  channelData(remoteId: number, bytes: Buffer): void;
}

/**
 * The packets of one connection, in memory that is used again, with a short way for what every flow needs of our channels'
 * messages. With a cipher that cannot work in place packets go ssh2's own way.
 */
export class PacketLayer {
  readonly outgoing: OutgoingPackets;
  readonly #protocol: PacketProtocol;
  readonly #events: ChannelWireEvents;
  #memory = Buffer.allocUnsafeSlow(READ_BYTES);
  /** The cipher in use, where data is put into packets in our memory: as it is, for a cipher that works in place. */
  #inPlace: { readonly cipher: Cipher; readonly format: PacketFormat } | undefined;
  #decryptsInPlace = false;
  /** For ciphers whose packets are not built in our memory. */
  #scratch: Buffer | undefined;
  #isReadKept = false;
  /** The beginning of a packet of which the rest is still to be read. */
  #rest: Buffer = NOTHING;

  constructor(protocol: PacketProtocol, socket: Socket, events: ChannelWireEvents) {
    this.outgoing = new OutgoingPackets(socket);
    this.#protocol = protocol;
    this.#events = events;
    this.onNewKeys();
    reuseReadBuffer(socket, () => this.#nextMemory());
  }

  /** Sends a CHANNEL_DATA of what a source has now, which is filled in where it is encrypted; see `ChannelWire.dataFrom`. */
  sendDataFrom(remoteId: number, maxBytes: number, source: DataSource): number {
    const { _cipher: cipher } = this.#protocol;
    const format = cipher === this.#inPlace?.cipher ? this.#inPlace.format : undefined;
    const memory =
      format === undefined ? undefined : this.outgoing.reserve(format, DATA_HEADER_BYTES + maxBytes);
    if (format === undefined || memory === undefined) {
      this.#scratch ??= Buffer.allocUnsafeSlow(ONE_READ_BYTES);
      const data = this.#scratch.subarray(0, maxBytes);
      const dataBytes = source.fill(data);
      if (dataBytes > 0) this.#protocol.channelData(remoteId, data.subarray(0, dataBytes));
      return dataBytes;
    }
    const dataBytes = source.fill(memory.subarray(DATA_OFFSET, DATA_OFFSET + maxBytes));
    if (dataBytes === 0) return 0;
    const payloadBytes = DATA_HEADER_BYTES + dataBytes;
    const packet = memory.subarray(0, packetBytesOf(format, payloadBytes));
    framePacket(format, packet, payloadBytes);
    packet[PAYLOAD_OFFSET] = SSH_MSG_CHANNEL_DATA;
    packet.writeUInt32BE(remoteId, PAYLOAD_OFFSET + 1);
    packet.writeUInt32BE(dataBytes, PAYLOAD_OFFSET + 5);
    cipher.encrypt(packet);
    return dataBytes;
  }

  /** The current read was passed to a listener that may keep it. */
  keepRead(): void {
    this.#isReadKept = true;
  }

  /** Takes over the ciphers of a key exchange that is complete. */
  onNewKeys(): void {
    const { _cipher: cipher, _decipher: decipher } = this.#protocol;
    const format = encryptInPlace(cipher);
    const { read, write } = this.#protocol._packetRW;
    const isDataSentAsItIs = write.constructor.name === 'PacketWriter';
    this.#inPlace = format !== undefined && isDataSentAsItIs ? { cipher, format } : undefined;
    if (format !== undefined) {
      const { allocPacket } = cipher;
      // Packets that are built during a key exchange wait in ssh2's queue, for the next cipher: their memory is theirs.
      cipher.allocPacket = (payloadBytes) =>
        this.#protocol._kexinit === undefined
          ? this.outgoing.build(format, payloadBytes)
          : allocPacket.call(cipher, payloadBytes);
      cipher._onWrite = (packet) => this.outgoing.send(packet);
    }
    const isDataReadAsItIs = read.constructor.name === 'PacketReader';
    const decryption = isDataReadAsItIs ? decryptionInPlace(decipher) : undefined;
    this.#decryptsInPlace = decryption !== undefined;
    if (decryption !== undefined) this.#shortenDecryption(decipher, decryption);
  }

  /**
   * Decrypts with half of the objects that ssh2 makes for each packet. What is left of a read is put before the next one, so
   * that every packet is whole; ssh2 finishes one of which it has the beginning.
   */
  #shortenDecryption(decipher: Decipher, decryption: Decryption): void {
    const decryptPart = decipher.decrypt;
    decipher.decrypt = (read, from, end) => {
      if (!decryption.isBetweenPackets()) return decryptPart.call(decipher, read, from, end);
      const bytes = joinedTo(this.#rest, read, from, end);
      const toRead = end - bytes.length;
      let at = 0;
      while (at < bytes.length) {
        const packetBytes = decryption.packetBytes(bytes, at);
        if (packetBytes === undefined) break;
        const afterPacket = at + LENGTH_BYTES + packetBytes + decryption.tagBytes;
        if (afterPacket > bytes.length) break;
        const packet = decryption.decrypt(bytes, at, packetBytes);
        at = afterPacket;
        decipher.inSeqno = (decipher.inSeqno + 1) >>> 0;
        if (takeChannelMessage(packet, this.#events)) continue;
        this.#rest = NOTHING;
        const result = decipher._onPayload(packet.subarray(1, packetBytes - (packet[0] ?? 0)));
        if (result !== undefined) return result === false ? toRead + at : result;
      }
      this.#rest = bytes.subarray(at);
      return undefined;
    };
  }

  /** Where the next read goes to: the same memory, unless something of ssh2's still refers to it. */
  #nextMemory(): Buffer {
    const { _kexinit, _decipher } = this.#protocol;
    const isReusable = this.#decryptsInPlace || REUSABLE_AFTER.has(_decipher.constructor.name);
    const isHandled =
      !this.#isReadKept && _kexinit === undefined && _decipher._packet?.buffer !== this.#memory.buffer;
    if (!isReusable || !isHandled) {
      this.#memory = Buffer.allocUnsafeSlow(isReusable ? READ_BYTES : ONE_READ_BYTES);
    }
    this.#isReadKept = false;
    if (this.#rest.length === 0) return this.#memory;
    this.#memory.set(this.#rest);
    this.#rest = this.#memory.subarray(0, this.#rest.length);
    return this.#memory.subarray(this.#rest.length);
  }
}

/** What was left of the last read, and after it this one: mostly the same memory. */
function joinedTo(rest: Buffer, read: Buffer, from: number, end: number): Buffer {
  if (rest.length === 0) return read.subarray(from, end);
  const isBehind = rest.buffer === read.buffer && rest.byteOffset + rest.length === read.byteOffset + from;
  return isBehind
    ? Buffer.from(rest.buffer, rest.byteOffset, rest.length + end - from)
    : Buffer.concat([rest, read.subarray(from, end)]);
}

import type { Socket } from 'node:net';
import { sendNowCounted } from '../../../net/native/transfer/send.ts';
import { framePacket, type PacketFormat, packetBytesOf } from './ciphers/packet-format.ts';

/** Several packets of a busy connection. */
const MEMORY_BYTES = 256 * 1024;

/** A packet in memory of its own. */
function buildPacket(format: PacketFormat, payloadBytes: number): Buffer {
  const packet = Buffer.allocUnsafe(packetBytesOf(format, payloadBytes));
  framePacket(format, packet, payloadBytes);
  return packet;
}

/**
 * The packets of one connection on their way to its socket: built one behind the other, always in the same memory, and
 * given to the kernel together, at the latest when the event that they came from is over.
 *
 * A packet is encrypted where it was built. All packets of the connection pass here, so that they leave in the order in
 * which they were encrypted.
 */
export class OutgoingPackets {
  readonly #socket: Socket;
  readonly #memory = Buffer.allocUnsafeSlow(MEMORY_BYTES);
  #filledBytes = 0;
  #isFlushDue = false;

  readonly #flushWhenDue = (): void => {
    this.#isFlushDue = false;
    this.flush();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** What has been sent and not given to the socket. */
  get waitingBytes(): number {
    return this.#filledBytes;
  }

  /** Memory for one packet, framed; it must be sent, or dropped, before another is built. */
  build(format: PacketFormat, payloadBytes: number): Buffer {
    const bytes = packetBytesOf(format, payloadBytes);
    if (this.#filledBytes + bytes > MEMORY_BYTES) this.flush();
    if (bytes > MEMORY_BYTES) return buildPacket(format, payloadBytes);
    const packet = this.#memory.subarray(this.#filledBytes, this.#filledBytes + bytes);
    framePacket(format, packet, payloadBytes);
    return packet;
  }

  /**
   * Memory for one packet of at most so many bytes of payload, not framed: its beginning becomes the packet. Undefined for more
   * than there is memory.
   */
  reserve(format: PacketFormat, maxPayloadBytes: number): Buffer | undefined {
    const bytes = packetBytesOf(format, maxPayloadBytes);
    if (bytes > MEMORY_BYTES) return undefined;
    if (this.#filledBytes + bytes > MEMORY_BYTES) this.flush();
    return this.#memory.subarray(this.#filledBytes, this.#filledBytes + bytes);
  }

  /** Sends an encrypted packet, wherever it was built. */
  send(packet: Buffer): void {
    if (packet.buffer === this.#memory.buffer) {
      this.#filledBytes += packet.length;
      if (this.#isFlushDue) return;
      this.#isFlushDue = true;
      setImmediate(this.#flushWhenDue);
    } else {
      this.flush();
      if (this.#socket.writable) this.#socket.write(packet);
    }
  }

  /** Gives the kernel what waits, and the socket what the kernel does not take; false when nothing waits. */
  flush(): boolean {
    if (this.#filledBytes === 0) return false;
    const packets = this.#memory.subarray(0, this.#filledBytes);
    this.#filledBytes = 0;
    const sentBytes = sendNowCounted(this.#socket, packets);
    if (sentBytes < packets.length && this.#socket.writable) {
      this.#socket.write(Buffer.from(packets.subarray(sentBytes)));
    }
    return true;
  }
}

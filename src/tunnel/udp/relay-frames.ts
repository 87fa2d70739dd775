/*
 * What goes between us and a relay, in network byte order. Each frame begins with the length of what follows, two bytes:
 *
 *     to it    flow u32, port u16, bytes of the address u8 (4, 16; 0 ends the flow), address, datagram
 *     from it  flow u32, datagram
 *
 * Every frame has the address, so that a relay can forget a flow at any time.
 */

const LENGTH_BYTES = 2;
const FLOW_BYTES = 4;
const HEAD_BYTES = FLOW_BYTES + 2 + 1;

/** The most that UDP carries over IPv4; no frame is longer than its length can tell. */
export const MAX_DATAGRAM_BYTES = 65_507;

/** A datagram for a relay to send. @param address 4 or 16 bytes @param datagram of at most {@link MAX_DATAGRAM_BYTES} */
export function encodeDatagram(flow: number, address: Buffer, port: number, datagram: Buffer): Buffer {
  const head = Buffer.alloc(LENGTH_BYTES + HEAD_BYTES);
  head.writeUInt16BE(HEAD_BYTES + address.length + datagram.length);
  head.writeUInt32BE(flow, LENGTH_BYTES);
  head.writeUInt16BE(port, LENGTH_BYTES + FLOW_BYTES);
  head.writeUInt8(address.length, LENGTH_BYTES + FLOW_BYTES + 2);
  return Buffer.concat([head, address, datagram]);
}

/** Has a relay forget a flow. */
export function encodeEnd(flow: number): Buffer {
  return encodeDatagram(flow, Buffer.alloc(0), 0, Buffer.alloc(0));
}

/** A datagram that a relay has received. */
export interface ReceivedDatagram {
  readonly flow: number;
  readonly datagram: Buffer;
}

/** Takes apart what a relay says; keeps one frame at most that is not complete. */
export class RelayFrames {
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Without so many there is nothing to take. */
  #neededBytes = LENGTH_BYTES;

  /**
   * @param bytes valid during the call
   * @returns what is complete; valid until the next call
   * @throws Error where it is no relay of ours that says this
   */
  receive(bytes: Buffer): readonly ReceivedDatagram[] {
    this.#bytes += bytes.length;
    if (this.#bytes < this.#neededBytes) {
      this.#pieces.push(Buffer.from(bytes));
      return [];
    }
    const all = this.#pieces.length === 0 ? bytes : Buffer.concat([...this.#pieces, bytes]);
    const received: ReceivedDatagram[] = [];
    let at = 0;
    this.#neededBytes = LENGTH_BYTES;
    while (all.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + all.readUInt16BE(at);
      if (end - at < LENGTH_BYTES + FLOW_BYTES) throw new Error('what it says is no datagram');
      if (end > all.length) {
        this.#neededBytes = end - at;
        break;
      }
      const flow = all.readUInt32BE(at + LENGTH_BYTES);
      received.push({ flow, datagram: all.subarray(at + LENGTH_BYTES + FLOW_BYTES, end) });
      at = end;
    }
    this.#bytes = all.length - at;
    this.#pieces = this.#bytes === 0 ? [] : [Buffer.from(all.subarray(at))];
    return received;
  }
}

/** The length that goes before each message of DNS over TCP (RFC 1035 section 4.2.2). */
const LENGTH_BYTES = 2;

/** Takes the messages of one connection out of its bytes; keeps at most one message that is not complete. */
export class MessageSplitter {
  #pending: Buffer = Buffer.alloc(0);

  /** The messages that these bytes complete, each a copy of its own. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const messages: Buffer[] = [];
    let offset = 0;
    while (bytes.length - offset >= LENGTH_BYTES) {
      const end = offset + LENGTH_BYTES + bytes.readUInt16BE(offset);
      if (end > bytes.length) break;
      messages.push(Buffer.from(bytes.subarray(offset + LENGTH_BYTES, end)));
      offset = end;
    }
    // A copy: a slice would keep the whole chunk alive.
    this.#pending = Buffer.from(bytes.subarray(offset));
    return messages;
  }
}

/** Puts its length before a message. */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(message.length, 0);
  return Buffer.concat([length, message]);
}

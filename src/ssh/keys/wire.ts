/** Reads SSH's binary types (RFC 4251 section 5) from the front of a buffer; undefined where the data is too short. */
export class WireReader {
  readonly #data: Buffer;
  #offset = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  byte(): number | undefined {
    return this.#readBytes(1)?.readUInt8(0);
  }

  uint32(): number | undefined {
    return this.#readBytes(4)?.readUInt32BE(0);
  }

  uint64(): bigint | undefined {
    return this.#readBytes(8)?.readBigUInt64BE(0);
  }

  /** How many bytes have been read. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether nothing is left. */
  get isAtEnd(): boolean {
    return this.#offset === this.#data.length;
  }

  /** The next `length` bytes, as a view on the data. */
  bytes(length: number): Buffer | undefined {
    return this.#readBytes(length);
  }

  /** A length-prefixed `string`, as a view on the data. */
  string(): Buffer | undefined {
    const length = this.uint32();
    return length === undefined ? undefined : this.#readBytes(length);
  }

  #readBytes(length: number): Buffer | undefined {
    const end = this.#offset + length;
    if (end > this.#data.length) return undefined;
    const taken = this.#data.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }
}

/** Encodes a `uint32`. */
export function encodeUint32(value: number): Buffer {
  const encoded = Buffer.allocUnsafe(4);
  encoded.writeUInt32BE(value);
  return encoded;
}

/** Encodes a length-prefixed `string`. */
export function encodeString(value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([encodeUint32(bytes.length), bytes]);
}

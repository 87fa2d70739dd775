import { printableLine } from '../../../core/printable.ts';
import { encodeString, encodeUint32, WireReader } from '../../keys/wire.ts';

// draft-ietf-secsh-filexfer-02, which is SFTP version 3: what OpenSSH speaks, and every other server can.

const VERSION = 3;
const TYPES = { init: 1, version: 2, open: 3, read: 5, status: 101, handle: 102, data: 103 } as const;
const FLAG_READ = 1;
const STATUS_EOF = 1;
const STATUS_TEXTS: Readonly<Record<number, string>> = { 2: 'no such file', 3: 'permission denied' };

/** Asked for at once; any server gives as much. */
const READ_BYTES = 32 * 1024;

/** An answer is one read and its header; longer is no SFTP. */
const MAX_MESSAGE_BYTES = READ_BYTES + 1024;

const NO_SFTP = 'what it says is no SFTP';

type Step = 'version' | 'handle' | 'data';

/**
 * The client's side of reading one file over SFTP: bytes in, bytes out. Each request waits for its answer, and what comes
 * unasked is an error, so that nothing is kept but the file.
 */
export class SftpReader {
  readonly #path: string;
  readonly #maxBytes: number;
  #received: Buffer = Buffer.alloc(0);
  #step: Step = 'version';
  #handle: Buffer | undefined;
  #file: Buffer[] = [];
  #fileBytes = 0;

  /** @param maxBytes a file that has more is refused */
  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** What to send first. */
  start(): Buffer {
    return encodeString(Buffer.concat([Buffer.of(TYPES.init), encodeUint32(VERSION)]));
  }

  /**
   * Takes what the server sends.
   *
   * @returns the file when it is complete, else what to send: nothing where more is awaited
   * @throws Error with a reason for people
   */
  receive(bytes: Buffer): { readonly file: Buffer } | { readonly request: Buffer | undefined } {
    this.#received = Buffer.concat([this.#received, bytes]);
    const reader = new WireReader(this.#received);
    const length = reader.uint32();
    if (length === undefined) return { request: undefined };
    if (length === 0 || length > MAX_MESSAGE_BYTES) throw new Error(NO_SFTP);
    const message = reader.bytes(length);
    if (message === undefined) return { request: undefined };
    // Nothing else is asked for meanwhile.
    if (reader.offset < this.#received.length) throw new Error(NO_SFTP);
    this.#received = Buffer.alloc(0);
    return this.#answer(new WireReader(message));
  }

  #answer(message: WireReader): { readonly file: Buffer } | { readonly request: Buffer | undefined } {
    const type = message.byte();
    if (this.#step === 'version') {
      if (type !== TYPES.version) throw new Error(NO_SFTP);
      this.#step = 'handle';
      return {
        request: this.#request(
          TYPES.open,
          encodeString(this.#path),
          encodeUint32(FLAG_READ),
          encodeUint32(0),
        ),
      };
    }
    message.uint32();
    if (type === TYPES.status) return this.#status(message);
    if (this.#step === 'handle' && type === TYPES.handle) {
      this.#handle = Buffer.from(must(message.string()));
      this.#step = 'data';
      return { request: this.#read() };
    }
    if (this.#step === 'data' && type === TYPES.data) {
      this.#keep(must(message.string()));
      return { request: this.#read() };
    }
    throw new Error(NO_SFTP);
  }

  #status(message: WireReader): { readonly file: Buffer } {
    const code = message.uint32();
    if (this.#step === 'data' && code === STATUS_EOF) return { file: Buffer.concat(this.#file) };
    const told = printableLine(message.string()?.toString('utf8') ?? '');
    throw new Error(`${this.#path}: ${STATUS_TEXTS[code ?? 0] ?? (told === '' ? `status ${code}` : told)}`);
  }

  #keep(data: Buffer): void {
    // Else it could go on for ever.
    if (data.length === 0) throw new Error(NO_SFTP);
    this.#fileBytes += data.length;
    if (this.#fileBytes > this.#maxBytes)
      throw new Error(`${this.#path} has more than ${this.#maxBytes} bytes`);
    this.#file.push(Buffer.from(data));
  }

  #read(): Buffer {
    const offset = Buffer.alloc(8);
    offset.writeBigUInt64BE(BigInt(this.#fileBytes));
    return this.#request(TYPES.read, encodeString(this.#handle ?? ''), offset, encodeUint32(READ_BYTES));
  }

  #request(type: number, ...fields: readonly Buffer[]): Buffer {
    return encodeString(Buffer.concat([Buffer.of(type), encodeUint32(0), ...fields]));
  }
}

function must(value: Buffer | undefined): Buffer {
  if (value === undefined) throw new Error(NO_SFTP);
  return value;
}

import type { HostPort } from '../../net/address/endpoint.ts';
import { encodeString, encodeUint32, WireReader } from '../keys/wire.ts';

/** The protocol that a ControlMaster speaks on its control socket: PROTOCOL.mux of OpenSSH. */
const VERSION = 4;

const TYPES = {
  hello: 0x0000_0001,
  aliveCheck: 0x1000_0004,
  newStdioForward: 0x1000_0008,
  permissionDenied: 0x8000_0002,
  failure: 0x8000_0003,
  alive: 0x8000_0005,
  sessionOpened: 0x8000_0006,
} as const;

/** Longer is no message of a master: its longest has one line of text. */
const MAX_MESSAGE_BYTES = 65_536;

/** What a master says. */
export type MuxMessage =
  | { readonly kind: 'hello'; readonly version: number }
  | { readonly kind: 'alive'; readonly requestId: number; readonly pid: number }
  | { readonly kind: 'opened'; readonly requestId: number }
  | { readonly kind: 'failure'; readonly requestId: number; readonly reason: string }
  | { readonly kind: 'permission-denied'; readonly requestId: number; readonly reason: string }
  /** Of no meaning for us. */
  | { readonly kind: 'other'; readonly type: number };

/** The first message of either side. */
export function encodeHello(): Buffer {
  return frame(TYPES.hello, VERSION);
}

/** Asks whether the master is up, and for its process id. */
export function encodeAliveCheck(requestId: number): Buffer {
  return frame(TYPES.aliveCheck, requestId);
}

/**
 * Asks for a channel to a destination. The descriptors that it is to read from and to write to follow, each for itself,
 * before the reply is read.
 */
export function encodeStdioForward(requestId: number, { host, port }: HostPort): Buffer {
  const reserved = encodeString('');
  return frame(TYPES.newStdioForward, requestId, reserved, encodeString(host), encodeUint32(port));
}

function frame(...fields: ReadonlyArray<number | Buffer>): Buffer {
  return encodeString(
    Buffer.concat(fields.map((field) => (typeof field === 'number' ? encodeUint32(field) : field))),
  );
}

/** Whether a master of this version can be spoken to. */
export function isOurVersion(version: number): boolean {
  return version === VERSION;
}

/** Takes messages out of a stream of bytes. */
export class MuxMessageReader {
  #pending = Buffer.alloc(0);

  /**
   * The messages that are complete with these bytes.
   *
   * @throws Error when they are not what a master sends; the reader is of no use then
   */
  receive(bytes: Buffer): MuxMessage[] {
    const messages: MuxMessage[] = [];
    let rest = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    for (;;) {
      const reader = new WireReader(rest);
      const length = reader.uint32();
      if (length !== undefined && length > MAX_MESSAGE_BYTES) throw malformed();
      const body = length === undefined ? undefined : reader.bytes(length);
      if (body === undefined) break;
      messages.push(decode(new WireReader(body)));
      rest = rest.subarray(reader.offset);
    }
    this.#pending = Buffer.from(rest);
    return messages;
  }
}

function decode(reader: WireReader): MuxMessage {
  const type = must(reader.uint32());
  switch (type) {
    case TYPES.hello:
      // Extensions may follow; there are none yet.
      return { kind: 'hello', version: must(reader.uint32()) };
    case TYPES.alive:
      return { kind: 'alive', requestId: must(reader.uint32()), pid: must(reader.uint32()) };
    case TYPES.sessionOpened:
      return { kind: 'opened', requestId: must(reader.uint32()) };
    case TYPES.failure:
      return {
        kind: 'failure',
        requestId: must(reader.uint32()),
        reason: must(reader.string()).toString(),
      };
    case TYPES.permissionDenied:
      return {
        kind: 'permission-denied',
        requestId: must(reader.uint32()),
        reason: must(reader.string()).toString(),
      };
    default:
      return { kind: 'other', type };
  }
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw malformed();
  return value;
}

function malformed(): Error {
  return new Error('it does not speak the protocol of an ssh master');
}

import { closeSync } from 'node:fs';
import { lastErrno, openLibc } from '../library.ts';

/** sys/socket.h and linux/netlink.h; the same on every architecture that Node runs on but MIPS. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2_000_000;
const MSG_DONTWAIT = 0x40;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
/** NLM_F_ROOT and NLM_F_MATCH. */
const NLM_F_DUMP = 0x300;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

/** struct nlmsghdr: length, type, flags, sequence number, port. */
const HEADER_BYTES = 16;
const TYPE_OFFSET = 4;
const FLAGS_OFFSET = 6;
const SEQUENCE_OFFSET = 8;

const MAX_ANSWER_BYTES = 8_192;
/** Answers to earlier questions that were not read, at most. */
const MAX_STALE_ANSWERS = 16;

/** Of one list: some ten thousand entries. */
const MAX_LISTED_PACKETS = 256;

const FLAGS_OF = { acknowledged: NLM_F_ACK, created: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL } as const;

/** The high bit of the type of an attribute that holds attributes. */
export const NESTED = 0x8000;

/** What the kernel answered: the body of its message, or an errno. */
export type NetlinkAnswer =
  | { readonly kind: 'message'; readonly body: Buffer }
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly errno: number };

/** A netlink socket on which one question is asked after the other. */
export interface NetlinkSocket {
  /**
   * Asks the kernel, which has answered by the time that send(2) is done (netlink(7)).
   *
   * @param kind `acknowledged` for a message that is answered only by whether it was obeyed; `created` for one that makes what must
   *   not be there yet
   * @throws Error with errno when the socket itself fails
   */
  ask(type: number, body: Buffer, kind?: 'acknowledged' | 'created'): NetlinkAnswer;
  /**
   * Asks for all of a kind, and gives the body of each.
   *
   * @throws Error with errno when the kernel refuses, or what it lists does not end
   */
  list(type: number, body: Buffer): Buffer[];
  /** Idempotent. */
  close(): void;
}

/**
 * Opens a netlink socket of one protocol (linux/netlink.h). Linux only.
 *
 * @throws Error with errno
 */
export function openNetlink(protocol: number): NetlinkSocket {
  const libc = openLibc();
  const newSocket = libc.func('int socket(int domain, int type, int protocol)') as (
    ...words: number[]
  ) => number;
  const send = libc.func('intptr_t send(int descriptor, const void *bytes, uintptr_t length, int flags)') as (
    descriptor: number,
    bytes: Buffer,
    length: number,
    flags: number,
  ) => number;
  const receive = libc.func(
    'intptr_t recv(int descriptor, _Out_ void *bytes, uintptr_t length, int flags)',
  ) as (descriptor: number, bytes: Buffer, length: number, flags: number) => number;
  let descriptor = newSocket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (descriptor < 0) throw new Error(`socket failed with errno ${lastErrno()}`);
  const answer = Buffer.alloc(MAX_ANSWER_BYTES);
  let sequence = 0;
  const question = (type: number, flags: number, body: Buffer): void => {
    sequence += 1;
    const message = Buffer.concat([header(type, NLM_F_REQUEST | flags, sequence, body.length), body]);
    if (send(descriptor, message, message.length, 0) < 0)
      throw new Error(`send failed with errno ${lastErrno()}`);
  };
  const nextPacket = (): Buffer => {
    const length = receive(descriptor, answer, answer.length, MSG_DONTWAIT);
    if (length < HEADER_BYTES) throw new Error(`recv failed with errno ${lastErrno()}`);
    return answer.subarray(0, length);
  };
  return {
    ask(type, body, kind) {
      question(type, kind === undefined ? 0 : FLAGS_OF[kind], body);
      for (let reads = 0; reads <= MAX_STALE_ANSWERS; reads += 1) {
        const packet = nextPacket();
        if (packet.readUInt32LE(SEQUENCE_OFFSET) === sequence) return decode(packet);
      }
      throw new Error('no answer to what was asked');
    },
    list(type, body) {
      question(type, NLM_F_DUMP, body);
      const bodies: Buffer[] = [];
      for (let reads = 0; reads <= MAX_LISTED_PACKETS; reads += 1) {
        const packet = nextPacket();
        if (packet.readUInt32LE(SEQUENCE_OFFSET) === sequence && takeListed(packet, bodies)) return bodies;
      }
      throw new Error('a list without an end');
    },
    close() {
      if (descriptor >= 0) closeSync(descriptor);
      descriptor = -1;
    },
  };
}

function header(type: number, flags: number, sequence: number, bodyBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32LE(HEADER_BYTES + bodyBytes, 0);
  bytes.writeUInt16LE(type, TYPE_OFFSET);
  bytes.writeUInt16LE(flags, FLAGS_OFFSET);
  bytes.writeUInt32LE(sequence, SEQUENCE_OFFSET);
  return bytes;
}

/** Takes the messages of one packet of a list. @returns whether the list has ended @throws Error with errno */
function takeListed(packet: Buffer, bodies: Buffer[]): boolean {
  for (let at = 0; at + HEADER_BYTES <= packet.length; ) {
    const message = packet.subarray(at);
    const answer = decode(message);
    if (answer.kind === 'refused') throw new Error(`the list was refused with errno ${answer.errno}`);
    if (message.readUInt16LE(TYPE_OFFSET) === NLMSG_DONE) return true;
    if (answer.kind === 'message') bodies.push(answer.body);
    at += Math.max(HEADER_BYTES, (message.readUInt32LE(0) + 3) & ~3);
  }
  return false;
}

function decode(answer: Buffer): NetlinkAnswer {
  const length = Math.min(answer.readUInt32LE(0), answer.length);
  const body = Buffer.from(answer.subarray(HEADER_BYTES, length));
  if (answer.readUInt16LE(TYPE_OFFSET) !== NLMSG_ERROR) return { kind: 'message', body };
  const errno = body.length < 4 ? 0 : -body.readInt32LE(0);
  return errno === 0 ? { kind: 'done' } : { kind: 'refused', errno };
}

/** A netlink attribute: its length, its type, its value, filled up to a multiple of four. */
export function attribute(type: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const whole = Buffer.alloc((4 + value.length + 3) & ~3);
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  value.copy(whole, 4);
  return whole;
}

/** The value of the attribute that `path` leads to, one nested in the other; undefined where there is none. */
export function attributeAt(bytes: Buffer, ...path: readonly number[]): Buffer | undefined {
  const [wanted, ...inner] = path;
  if (wanted === undefined) return bytes;
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) return undefined;
    const type = bytes.readUInt16LE(at + 2) & ~NESTED;
    if (type === wanted) return attributeAt(bytes.subarray(at + 4, at + length), ...inner);
    at += (length + 3) & ~3;
  }
  return undefined;
}

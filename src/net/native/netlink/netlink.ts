import { closeSync } from 'node:fs';
import { lastErrno, openLibc } from '../library.ts';

/** sys/socket.h and linux/netlink.h; the same on every architecture that Node runs on but MIPS. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2_000_000;
const MSG_DONTWAIT = 0x40;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLMSG_ERROR = 2;

/** struct nlmsghdr: length, type, flags, sequence number, port. */
const HEADER_BYTES = 16;
const TYPE_OFFSET = 4;
const FLAGS_OFFSET = 6;
const SEQUENCE_OFFSET = 8;

const MAX_ANSWER_BYTES = 8_192;
/** Answers to earlier questions that were not read, at most. */
const MAX_STALE_ANSWERS = 16;

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
   * @param acknowledged for a message that is answered only by whether it was obeyed
   * @throws Error with errno when the socket itself fails
   */
  ask(type: number, body: Buffer, acknowledged?: 'acknowledged'): NetlinkAnswer;
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
  return {
    ask(type, body, acknowledged) {
      sequence += 1;
      const flags = NLM_F_REQUEST | (acknowledged === undefined ? 0 : NLM_F_ACK);
      const message = Buffer.concat([header(type, flags, sequence, body.length), body]);
      if (send(descriptor, message, message.length, 0) < 0)
        throw new Error(`send failed with errno ${lastErrno()}`);
      for (let reads = 0; reads <= MAX_STALE_ANSWERS; reads += 1) {
        const length = receive(descriptor, answer, answer.length, MSG_DONTWAIT);
        if (length < HEADER_BYTES) throw new Error(`recv failed with errno ${lastErrno()}`);
        if (answer.readUInt32LE(SEQUENCE_OFFSET) === sequence) return decode(answer.subarray(0, length));
      }
      throw new Error('no answer to what was asked');
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

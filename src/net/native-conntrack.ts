import { closeSync } from 'node:fs';
import { addressBytes } from './address-bytes.ts';
import { lastErrno, openLibc } from './native-library.ts';

/** sys/socket.h and linux/netlink.h; the same on every architecture that Node runs on but MIPS. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2_000_000;
const NETLINK_NETFILTER = 12;
const NLM_F_REQUEST_ACK = 0x1 | 0x4;
const NLMSG_ERROR = 2;
const MSG_DONTWAIT = 0x40;

/** linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h and nf_conntrack_common.h. */
const CT_DELETE = (1 << 8) | 2;
const NFNETLINK_V1 = 1;
const AF_OF: Readonly<Record<4 | 16, number>> = { 4: 2, 16: 10 };
const CTA_TUPLE_ORIG = 1;
const CTA_STATUS = 3;
const CTA_FILTER = 25;
const CTA_STATUS_MASK = 26;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_DST: Readonly<Record<4 | 16, number>> = { 4: 2, 16: 4 };
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;
const CTA_FILTER_ORIG_FLAGS = 1;
const NESTED = 0x8000;
const IPS_SEEN_REPLY = 0x2;

/** net/netfilter/nf_internals.h: destination address, protocol, destination port. */
const COMPARED = 0x2 | 0x8 | 0x20;

const UDP = 17;
const HEADER_BYTES = 16;
const REPLY_BYTES = 4_096;

/** Which of the exchanges that the connection tracker has in mind it is to forget. */
export interface TrackedExchanges {
  /** The literal address that they were sent to. */
  readonly address: string;
  /** The UDP port that they were sent to. */
  readonly port: number;
  /** Not those that have had no answer yet (Linux 5.15): it may need its entry to come in. */
  readonly answeredOnly: boolean;
}

/**
 * Has the connection tracker forget UDP exchanges, so that the next packet is asked of the rules again, whatever its source
 * port. Needs CAP_NET_ADMIN and Linux 5.8 (native-notes/stale-mappings.md).
 *
 * @throws Error with errno; nothing is forgotten then
 */
export function forgetExchanges(exchanges: TrackedExchanges): void {
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
  const descriptor = newSocket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (descriptor < 0) throw new Error(`socket failed with errno ${lastErrno()}`);
  try {
    const message = deletion(exchanges);
    if (send(descriptor, message, message.length, 0) < 0)
      throw new Error(`send failed with errno ${lastErrno()}`);
    // The kernel has answered by the time that send(2) is done: netlink(7).
    const reply = Buffer.alloc(REPLY_BYTES);
    const length = receive(descriptor, reply, reply.length, MSG_DONTWAIT);
    if (length < HEADER_BYTES + 4) throw new Error(`recv failed with errno ${lastErrno()}`);
    const errno = -reply.readInt32LE(HEADER_BYTES);
    if (reply.readUInt16LE(4) !== NLMSG_ERROR || errno !== 0)
      throw new Error(`conntrack refused with errno ${errno}`);
  } finally {
    closeSync(descriptor);
  }
}

/** One message, all of it in the machine's byte order but what is a part of a packet. */
function deletion({ address, port, answeredOnly }: TrackedExchanges): Buffer {
  const destination = addressBytes(address);
  const size = destination.length === 4 ? 4 : 16;
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port);
  const seen = word(IPS_SEEN_REPLY, 'BE');
  const body = Buffer.concat([
    Buffer.from([AF_OF[size], NFNETLINK_V1, 0, 0]),
    attribute(
      CTA_TUPLE_ORIG | NESTED,
      attribute(CTA_TUPLE_IP | NESTED, attribute(CTA_IP_DST[size], destination)),
      attribute(
        CTA_TUPLE_PROTO | NESTED,
        attribute(CTA_PROTO_NUM, Buffer.from([UDP])),
        attribute(CTA_PROTO_DST_PORT, portBytes),
      ),
    ),
    ...(answeredOnly ? [attribute(CTA_STATUS, seen), attribute(CTA_STATUS_MASK, seen)] : []),
    attribute(CTA_FILTER | NESTED, attribute(CTA_FILTER_ORIG_FLAGS, word(COMPARED, 'LE'))),
  ]);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(HEADER_BYTES + body.length, 0);
  header.writeUInt16LE(CT_DELETE, 4);
  header.writeUInt16LE(NLM_F_REQUEST_ACK, 6);
  return Buffer.concat([header, body]);
}

/** A netlink attribute: its length, its type, its value, filled up to a multiple of four. */
function attribute(type: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const whole = Buffer.alloc((4 + value.length + 3) & ~3);
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  value.copy(whole, 4);
  return whole;
}

function word(value: number, order: 'BE' | 'LE'): Buffer {
  const bytes = Buffer.alloc(4);
  if (order === 'BE') bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
}

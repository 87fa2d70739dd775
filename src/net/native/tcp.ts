import type { Server, Socket } from 'node:net';
import { descriptorOf } from './descriptors/descriptor.ts';
import { libcFunctionOr } from './library.ts';
import { getSocketOption, setSocketOption } from './socket-option.ts';

/** linux/tcp.h; the same on every architecture. */
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const TCP_QUICKACK = 12;
const TCP_USER_TIMEOUT = 18;
const TCP_NOTSENT_LOWAT = 25;
const TCP_RTO_MAX_MS = 44;

/** asm-generic/socket.h; the same on every architecture that Node runs on but MIPS. */
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;

/** Offsets into struct tcp_info, and how much of it is read. Its fields are only ever added at the end. */
const TCPI_RTT_OFFSET = 68;
const TCPI_TOTAL_RETRANS_OFFSET = 100;
const TCPI_BYTES_RECEIVED_OFFSET = 128;
const TCPI_NOTSENT_BYTES_OFFSET = 144;
const TCPI_BYTES_SENT_OFFSET = 200;
const TCPI_BYTES_RETRANS_OFFSET = 208;
const TCPI_RCV_OOOPACK_OFFSET = 224;
const TCP_INFO_BYTES = 228;

/** States of tcp_info in which the peer's FIN has come: CLOSE_WAIT, LAST_ACK, CLOSING, TIME_WAIT of net/tcp_states.h. */
const STATES_AFTER_FIN: ReadonlySet<number> = new Set([6, 8, 9, 11]);

/** These options, and the layout of tcp_info, are Linux's. */
const isLinux = process.platform === 'linux';

/** What Linux tells of a TCP connection. */
export interface TcpInfo {
  /** Smoothed round trip, in ms. */
  readonly roundTripMs: number;
  /** Packets retransmitted or received out of order, ever. */
  readonly disorder: number;
}

/** Asks the kernel about a TCP connection; undefined where it does not tell, or the socket is closed. */
export function tcpInfo(socket: Socket): TcpInfo | undefined {
  const info = Buffer.alloc(TCP_INFO_BYTES);
  if (!isLinux || !getSocketOption(socket, IPPROTO_TCP, TCP_INFO, info)) return undefined;
  return {
    roundTripMs: info.readUInt32LE(TCPI_RTT_OFFSET) / 1000,
    disorder: info.readUInt32LE(TCPI_TOTAL_RETRANS_OFFSET) + info.readUInt32LE(TCPI_RCV_OOOPACK_OFFSET),
  };
}

/** What has gone over a TCP connection since it was accepted. */
export interface TcpByteCounts {
  /** In order, whether or not it was read. */
  readonly receivedBytes: number;
  /** Accepted by the kernel: the last of it is acknowledged only after its writer is done. */
  readonly sentBytes: number;
}

/**
 * Asks the kernel what an accepted connection has carried, past the stream, too; undefined as for {@link tcpInfo}. What was
 * sent is counted since Linux 4.19.
 */
export function tcpByteCounts(socket: Socket): TcpByteCounts | undefined {
  const info = Buffer.alloc(TCP_INFO_BYTES);
  if (!isLinux || !getSocketOption(socket, IPPROTO_TCP, TCP_INFO, info)) return undefined;
  // The kernel counts sequence numbers, and a FIN has one.
  const fin = STATES_AFTER_FIN.has(info.readUInt8(0)) ? 1 : 0;
  return {
    receivedBytes: Math.max(0, Number(info.readBigUInt64LE(TCPI_BYTES_RECEIVED_OFFSET)) - fin),
    sentBytes:
      Number(info.readBigUInt64LE(TCPI_BYTES_SENT_OFFSET) - info.readBigUInt64LE(TCPI_BYTES_RETRANS_OFFSET)) +
      info.readUInt32LE(TCPI_NOTSENT_BYTES_OFFSET),
  };
}

/**
 * Limits how much the kernel takes from us beyond what it can send at once (tcp(7) TCP_NOTSENT_LOWAT), so that the rest of
 * the queue stays where we can still put something before it. Best effort.
 */
export function setNotSentLowWater(socket: Socket, bytes: number): void {
  if (isLinux) setSocketOption(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, bytes);
}

/**
 * Has the kernel give a connection up, with ETIMEDOUT, when what was sent is not acknowledged for so long (tcp(7)
 * TCP_USER_TIMEOUT). Costs no timer of ours, and nothing while nothing is sent. Best effort.
 *
 * @param timeoutMs 0 for the system's own, which is about 15 minutes
 */
export function limitUnacknowledged(socket: Socket, timeoutMs: number): void {
  if (isLinux) setSocketOption(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, timeoutMs);
}

/**
 * Has all sockets that a server accepts send without Nagle's delay: they have it from the listening one (tcp(7) TCP_NODELAY).
 *
 * @returns false where that is not known to be so
 */
export function acceptWithoutDelay(server: Server): boolean {
  return isLinux && setSocketOption(server, IPPROTO_TCP, TCP_NODELAY, 1);
}

/** How the kernel finds out that a peer cannot be reached. */
export interface ReachPolicy {
  /** A quiet connection is asked for a sign of life so often. */
  readonly quietSeconds: number;
  /** One that gives none so many times in a row is over. */
  readonly maxUnanswered: number;
  /** What was sent is sent again at least so often; after some 15 times (tcp_retries2) the connection is over. Linux 6.15. */
  readonly maxRetransmissionMs: number;
}

/**
 * Has the kernel give up what a server accepts when nothing reaches its peer: accepted sockets have these options from the
 * listening one (native-notes/sock-destroy.md). Unlike TCP_USER_TIMEOUT this never ends a connection whose peer is slow to read.
 * Best effort.
 */
export function acceptWithReach(server: Server, policy: ReachPolicy): void {
  if (!isLinux) return;
  setSocketOption(server, IPPROTO_TCP, TCP_KEEPIDLE, policy.quietSeconds);
  setSocketOption(server, IPPROTO_TCP, TCP_KEEPINTVL, policy.quietSeconds);
  setSocketOption(server, IPPROTO_TCP, TCP_KEEPCNT, policy.maxUnanswered);
  setSocketOption(server, SOL_SOCKET, SO_KEEPALIVE, 1);
  setSocketOption(server, IPPROTO_TCP, TCP_RTO_MAX_MS, policy.maxRetransmissionMs);
}

/** Makes the kernel acknowledge what has arrived at once (tcp(7) TCP_QUICKACK); it forgets soon. Best effort. */
export function setQuickAck(socket: Socket): void {
  if (isLinux) setSocketOption(socket, IPPROTO_TCP, TCP_QUICKACK, 1);
}

/** SIOCOUTQ of linux/sockios.h, which is TIOCOUTQ of asm-generic/ioctls.h. */
const SIOCOUTQ = 0x5411;

type Ioctl = (descriptor: number, request: number, value: Int32Array) => number;

let ioctl: Ioctl | undefined;

/**
 * How much of what was written to a TCP socket its peer has not acknowledged yet: the kernel's send queue, in bytes
 * (tcp(7), SIOCOUTQ).
 *
 * @returns undefined where the system cannot tell: not Linux, the socket is closed, or there is no native library.
 */
export function unacknowledgedBytes(socket: Socket): number | undefined {
  const descriptor = isLinux ? descriptorOf(socket) : undefined;
  if (descriptor === undefined) return undefined;
  ioctl ??= libcFunctionOr<Ioctl>(
    'int ioctl(int descriptor, unsigned long request, _Out_ int *value)',
    () => -1,
  );
  const value = new Int32Array(1);
  return ioctl(descriptor, SIOCOUTQ, value) === 0 ? value[0] : undefined;
}

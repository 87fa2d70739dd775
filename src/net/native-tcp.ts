import type { Socket } from 'node:net';
import { descriptorOf } from './native-descriptor.ts';
import { openLibc } from './native-library.ts';

/** linux/tcp.h; the same on every architecture. */
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const TCP_QUICKACK = 12;
const TCP_NOTSENT_LOWAT = 25;

/** Offsets into struct tcp_info, and how much of it is read. Its fields are only ever added at the end. */
const TCPI_RTT_OFFSET = 68;
const TCPI_TOTAL_RETRANS_OFFSET = 100;
const TCPI_RCV_OOOPACK_OFFSET = 224;
const TCP_INFO_BYTES = 228;

type GetSockOpt = (
  descriptor: number,
  level: number,
  name: number,
  value: Buffer,
  length: Uint32Array,
) => number;
type SetSockOpt = (
  descriptor: number,
  level: number,
  name: number,
  value: Int32Array,
  length: number,
) => number;

interface Calls {
  readonly get: GetSockOpt;
  readonly set: SetSockOpt;
}

let calls: Calls | undefined;

/** Undefined where the system has none of these options: not Linux. */
function load(): Calls | undefined {
  if (process.platform !== 'linux') return undefined;
  if (calls === undefined) {
    const libc = openLibc();
    calls = {
      get: libc.func(
        'int getsockopt(int descriptor, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)',
      ) as GetSockOpt,
      set: libc.func(
        'int setsockopt(int descriptor, int level, int name, const void *value, uint32_t length)',
      ) as SetSockOpt,
    };
  }
  return calls;
}

/** What Linux tells of a TCP connection. */
export interface TcpInfo {
  /** Smoothed round trip, in ms. */
  readonly roundTripMs: number;
  /** Packets retransmitted or received out of order, ever. */
  readonly disorder: number;
}

/** Asks the kernel about a TCP connection; undefined where it does not tell, or the socket is closed. */
export function tcpInfo(socket: Socket): TcpInfo | undefined {
  const descriptor = descriptorOf(socket);
  const native = load();
  if (native === undefined || descriptor === undefined) return undefined;
  const info = Buffer.alloc(TCP_INFO_BYTES);
  const length = new Uint32Array([info.length]);
  if (native.get(descriptor, IPPROTO_TCP, TCP_INFO, info, length) !== 0) return undefined;
  return {
    roundTripMs: info.readUInt32LE(TCPI_RTT_OFFSET) / 1000,
    disorder: info.readUInt32LE(TCPI_TOTAL_RETRANS_OFFSET) + info.readUInt32LE(TCPI_RCV_OOOPACK_OFFSET),
  };
}

/**
 * Limits how much the kernel takes from us beyond what it can send at once (tcp(7) TCP_NOTSENT_LOWAT), so that the rest of
 * the queue stays where we can still put something before it. Best effort.
 */
export function setNotSentLowWater(socket: Socket, bytes: number): void {
  setOption(socket, TCP_NOTSENT_LOWAT, bytes);
}

/** Makes the kernel acknowledge what has arrived at once (tcp(7) TCP_QUICKACK); it forgets soon. Best effort. */
export function setQuickAck(socket: Socket): void {
  setOption(socket, TCP_QUICKACK, 1);
}

function setOption(socket: Socket, name: number, value: number): void {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return;
  load()?.set(descriptor, IPPROTO_TCP, name, new Int32Array([value]), 4);
}

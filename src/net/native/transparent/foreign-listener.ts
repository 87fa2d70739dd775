import { closeSync } from 'node:fs';
import type { IpFamily } from '../../address/literal.ts';
import { lastErrno, libcFunctionOr } from '../library.ts';

/** asm-generic/unistd.h: since Linux 5.3 and 5.6, the same on every architecture that Node runs on. */
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;

/** asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;
const SO_PROTOCOL = 38;
const IPPROTO_TCP = 6;
const AF_INET = 2;
const AF_INET6 = 10;

type SystemCall = (number: number, ...words: ReadonlyArray<'int' | number>) => number;
type GetSockOpt = (
  descriptor: number,
  level: number,
  name: number,
  value: Int32Array,
  length: Uint32Array,
) => number;
type GetSockName = (descriptor: number, address: Buffer, length: Uint32Array) => number;

/** A listening TCP socket. */
export interface ListeningSocket {
  readonly family: IpFamily;
  readonly port: number;
}

/**
 * Does something with a copy of a descriptor of another process, which is closed again. Needs what ptrace(2) needs: root has it.
 *
 * @throws Error with errno when the process is not there, has no such descriptor, or the system refuses
 */
export function withDescriptorOf<T>(pid: number, descriptor: number, use: (copy: number) => T): T {
  const call = libcFunctionOr<SystemCall>('long syscall(long number, ...)', () => -1);
  const must = (what: string, result: number): number => {
    if (result < 0) throw new Error(`${what} failed with errno ${lastErrno()}`);
    return result;
  };
  const process = must('pidfd_open', Number(call(SYS_PIDFD_OPEN, 'int', pid, 'int', 0)));
  try {
    const copy = must(
      'pidfd_getfd',
      Number(call(SYS_PIDFD_GETFD, 'int', process, 'int', descriptor, 'int', 0)),
    );
    try {
      return use(copy);
    } finally {
      closeSync(copy);
    }
  } finally {
    closeSync(process);
  }
}

/** What a descriptor listens at; undefined where it is no listening TCP socket. */
export function listeningSocketOf(descriptor: number): ListeningSocket | undefined {
  const getsockopt = libcFunctionOr<GetSockOpt>(
    'int getsockopt(int descriptor, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)',
    () => -1,
  );
  const getsockname = libcFunctionOr<GetSockName>(
    'int getsockname(int descriptor, _Out_ void *address, _Inout_ uint32_t *length)',
    () => -1,
  );
  const option = (name: number): number => {
    const value = new Int32Array(1);
    const isTold = getsockopt(descriptor, SOL_SOCKET, name, value, new Uint32Array([4])) === 0;
    return isTold ? value[0]! : -1;
  };
  if (option(SO_PROTOCOL) !== IPPROTO_TCP || option(SO_ACCEPTCONN) !== 1) return undefined;
  // struct sockaddr_in and sockaddr_in6 begin alike: the family, and the port in network order.
  const address = Buffer.alloc(128);
  if (getsockname(descriptor, address, new Uint32Array([address.length])) !== 0) return undefined;
  const family = address.readUInt16LE(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  return { family: family === AF_INET ? 4 : 6, port: address.readUInt16BE(2) };
}

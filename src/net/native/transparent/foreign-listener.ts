import { closeSync } from 'node:fs';
import type { IpFamily } from '../../address/literal.ts';
import { lastSystemError, libcFunctionOr } from '../library.ts';

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

/** A process that cannot become another one by the same number. */
export interface HeldProcess {
  /**
   * Does something with a copy of a descriptor of its own, which is closed again. Needs what ptrace(2) needs: root has it.
   *
   * @throws Error with the system's code when it has ended, has no such descriptor, or the system refuses
   */
  withDescriptor<T>(descriptor: number, use: (copy: number) => T): T;
}

/**
 * Does something with a process. What is found out meanwhile about the one that has its number holds for it, or for nothing: once it has
 * ended, none of its descriptors is had.
 *
 * @throws Error with the system's code when it is not there
 */
export function withProcess<T>(pid: number, use: (held: HeldProcess) => T): T {
  const call = libcFunctionOr<SystemCall>('long syscall(long number, ...)', () => -1);
  const open = (what: string, number: number, ...words: readonly number[]): number => {
    const descriptor = Number(call(number, ...words.flatMap((word) => ['int', word] as const)));
    if (descriptor < 0) throw lastSystemError(what);
    return descriptor;
  };
  const held = open('pidfd_open', SYS_PIDFD_OPEN, pid, 0);
  return closing(held, () =>
    use({
      withDescriptor: (descriptor, useCopy) =>
        closing(open('pidfd_getfd', SYS_PIDFD_GETFD, held, descriptor, 0), useCopy),
    }),
  );
}

function closing<T>(descriptor: number, use: (descriptor: number) => T): T {
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
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

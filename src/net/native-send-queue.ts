import type { Socket } from 'node:net';
import { descriptorOf } from './native-descriptor.ts';
import { libcFunctionOr } from './native-library.ts';

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
  if (process.platform !== 'linux') return undefined;
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return undefined;
  ioctl ??= libcFunctionOr<Ioctl>(
    'int ioctl(int descriptor, unsigned long request, _Out_ int *value)',
    () => -1,
  );
  const value = new Int32Array(1);
  return ioctl(descriptor, SIOCOUTQ, value) === 0 ? value[0] : undefined;
}

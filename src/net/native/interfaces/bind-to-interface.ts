import { lastSystemError, libcFunctionOr } from '../library.ts';

/** asm-generic/socket.h; the same on every architecture that Node runs on. */
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;

type SetSockOpt = (descriptor: number, level: number, name: number, value: Buffer, length: number) => number;

let setSockOpt: SetSockOpt | undefined;

/**
 * Has a socket take only what comes in by one interface, and send by that one alone. Linux lets everybody, since 5.7, where no
 * interface was chosen before.
 *
 * @throws Error with the `code` EPERM where the kernel is older and the caller is not root, ENODEV where there is no such interface
 */
export function bindToInterface(descriptor: number, interfaceName: string): void {
  setSockOpt ??= libcFunctionOr<SetSockOpt>(
    'int setsockopt(int descriptor, int level, int name, const void *value, uint32_t length)',
    () => -1,
  );
  const name = Buffer.from(`${interfaceName}\0`);
  if (setSockOpt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) === 0) return;
  throw lastSystemError('setsockopt SO_BINDTODEVICE');
}

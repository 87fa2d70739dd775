import type { Socket } from 'node:net';
import { descriptorOf } from './native-descriptor.ts';
import { libcFunctionOr } from './native-library.ts';

/** A struct sockaddr whose family is AF_UNSPEC. */
const NOWHERE = new Uint8Array(16);

type Connect = (descriptor: number, address: Uint8Array, length: number) => number;

let connect: Connect | undefined;

/**
 * Resets a TCP connection at once, also where another process has a copy of its descriptor: connect(2) to AF_UNSPEC. No
 * effect on a socket that is closed or no TCP connection, or where the system is not Linux.
 *
 * The socket itself is still to be destroyed.
 */
export function resetNow(socket: Socket): void {
  const descriptor = descriptorOf(socket);
  if (process.platform !== 'linux' || descriptor === undefined) return;
  connect ??= libcFunctionOr<Connect>(
    'int connect(int descriptor, const void *address, uint32_t length)',
    () => -1,
  );
  connect(descriptor, NOWHERE, NOWHERE.length);
}

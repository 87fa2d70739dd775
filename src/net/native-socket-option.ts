import type { Server, Socket } from 'node:net';
import { descriptorOf } from './native-descriptor.ts';
import { openLibc } from './native-library.ts';

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

/**
 * Loads the native calls, so that a machine that lacks them says so at the start and not at the first flow.
 *
 * @throws TshuttleError ERR_INTERNAL when there is no native library for this platform
 */
export function prepareSocketOptions(): Calls {
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

/** getsockopt(2) into `value`; false when the system refuses, or the socket is closed. */
export function getSocketOption(socket: Socket, level: number, name: number, value: Buffer): boolean {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return false;
  return prepareSocketOptions().get(descriptor, level, name, value, new Uint32Array([value.length])) === 0;
}

/** setsockopt(2) with an int; false when the system refuses, or the socket is closed. */
export function setSocketOption(
  socket: Socket | Server,
  level: number,
  name: number,
  value: number,
): boolean {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return false;
  return prepareSocketOptions().set(descriptor, level, name, new Int32Array([value]), 4) === 0;
}

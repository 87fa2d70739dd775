import type { Server, Socket } from 'node:net';
import { TshuttleError } from '../../core/errors.ts';
import { descriptorOf } from './descriptors/descriptor.ts';
import { libcFunctionOr, whyNoNativeLibrary } from './library.ts';

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
 * Sees that there is a native library, so that a machine that lacks it says so at the start and not at the first flow.
 *
 * @throws TshuttleError ERR_NO_INTERCEPTOR when there is none here
 */
export function requireSocketOptions(): void {
  const missing = whyNoNativeLibrary();
  if (missing === undefined) return;
  throw new TshuttleError('ERR_NO_INTERCEPTOR', `nothing can be captured: ${missing.message}`, {
    remedy: `${missing.remedy}; or use --socks, which needs none`,
    cause: missing,
  });
}

function nativeCalls(): Calls {
  calls ??= {
    get: libcFunctionOr<GetSockOpt>(
      'int getsockopt(int descriptor, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)',
      () => -1,
    ),
    set: libcFunctionOr<SetSockOpt>(
      'int setsockopt(int descriptor, int level, int name, const void *value, uint32_t length)',
      () => -1,
    ),
  };
  return calls;
}

/** getsockopt(2) into `value`; false when the system refuses, the socket is closed, or there is no native library. */
export function getSocketOption(socket: Socket, level: number, name: number, value: Buffer): boolean {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return false;
  return nativeCalls().get(descriptor, level, name, value, new Uint32Array([value.length])) === 0;
}

/** setsockopt(2) with an int; false when the system refuses, the socket is closed, or there is no native library. */
export function setSocketOption(
  socket: Socket | Server,
  level: number,
  name: number,
  value: number,
): boolean {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return false;
  return nativeCalls().set(descriptor, level, name, new Int32Array([value]), 4) === 0;
}

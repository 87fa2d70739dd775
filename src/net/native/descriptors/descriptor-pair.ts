import { TshuttleError } from '../../../core/errors.ts';
import { systemWords } from '../../../core/systems/system-words.ts';
import { hasNativeLibrary, lastErrno, openLibc } from '../library.ts';

/** sys/socket.h of Linux; the same on every architecture that Node runs on. */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2_000_000;

type SocketPair = (domain: number, type: number, protocol: number, pair: Int32Array) => number;

/** Whether {@link openDescriptorPair} can give any here. */
export function canPairDescriptors(): boolean {
  return process.platform === 'linux' && hasNativeLibrary();
}

/**
 * Two connected stream sockets (socketpair(2)), as descriptors that no child process inherits unless it is given one. The
 * caller owns both.
 *
 * @throws TshuttleError ERR_INTERNAL when the system gives none: out of descriptors, or {@link canPairDescriptors} is false
 */
export function openDescriptorPair(): readonly [number, number] {
  const socketpair = openLibc().func(
    'int socketpair(int domain, int type, int protocol, _Out_ int *pair)',
  ) as SocketPair;
  const pair = new Int32Array(2);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) !== 0) {
    throw new TshuttleError('ERR_INTERNAL', `socketpair failed with errno ${lastErrno()}`, {
      remedy: `allow more open files: ${systemWords().moreDescriptors}`,
    });
  }
  const [first, second] = pair;
  return [first!, second!];
}

import { libcFunctionOr } from './native-library.ts';

/** fcntl.h: the number is Linux's. */
const F_DUPFD_CLOEXEC = 1030;

type Fcntl = (descriptor: number, command: number, type: 'int', least: number) => number;

/**
 * Another descriptor for the same open file, which the caller has to close; children do not get it.
 *
 * @returns undefined where the system is not Linux, has no descriptor left, or there is no native library
 */
export function duplicateDescriptor(descriptor: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const fcntl = libcFunctionOr<Fcntl>('int fcntl(int descriptor, int command, ...)', () => -1);
  const duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 'int', 0);
  return duplicate < 0 ? undefined : duplicate;
}

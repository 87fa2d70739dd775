import { openLibc } from './native-library.ts';

/** fcntl.h: the number is Linux's. */
const F_DUPFD_CLOEXEC = 1030;

type Fcntl = (descriptor: number, command: number, type: 'int', least: number) => number;

/**
 * Another descriptor for the same open file, which the caller has to close; children do not get it.
 *
 * @returns undefined where the system is not Linux, or has no descriptor left
 */
export function duplicateDescriptor(descriptor: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const fcntl = openLibc().func('int fcntl(int descriptor, int command, ...)') as Fcntl;
  const duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 'int', 0);
  return duplicate < 0 ? undefined : duplicate;
}

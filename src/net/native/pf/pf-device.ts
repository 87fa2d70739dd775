import { closeSync, openSync } from 'node:fs';
import { lastErrno, openLibc } from '../library.ts';

/** The kernel's pf, as root's programs ask it. */
export interface PfDevice {
  /**
   * ioctl(2).
   *
   * @param argument is read and written in place
   * @returns 0, or the error number
   */
  ioctl(request: number, argument: Buffer): number;
  /** Idempotent. */
  close(): void;
}

type Ioctl = (descriptor: number, request: number, type: 'void *', argument: Buffer) => number;

/**
 * Opens /dev/pf, which is root's. Children do not get the descriptor.
 *
 * @param path tests put another device there
 * @throws Error as open(2) does; TshuttleError ERR_INTERNAL when there is no native library
 */
export function openPfDevice(path = '/dev/pf'): PfDevice {
  // Variadic, as it is in C: arm64 of macOS has those arguments on the stack.
  const ioctl = openLibc().func('int ioctl(int descriptor, unsigned long request, ...)') as Ioctl;
  const descriptor = openSync(path, 'r+');
  let isOpen = true;
  return {
    ioctl: (request, argument) => (ioctl(descriptor, request, 'void *', argument) < 0 ? lastErrno() : 0),
    close: () => {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}

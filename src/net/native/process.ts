import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { TshuttleError } from '../../core/errors.ts';
import { hasNativeLibrary, lastErrno, openLibc } from './library.ts';

/** Whether {@link startNewSession} can be called here; else whoever starts a process has to start it in a session of its own. */
export function canStartNewSession(): boolean {
  return process.platform !== 'win32' && hasNativeLibrary();
}

/** Whether {@link releaseStandardStreams} does anything here. */
export function canReleaseStreams(): boolean {
  return process.platform !== 'win32';
}

/**
 * Leaves the session of the terminal, so that its end sends no SIGHUP and its keys no SIGINT (native-notes/daemonise.md).
 *
 * @throws TshuttleError ERR_INTERNAL when this process leads its process group: setsid(2)
 */
export function startNewSession(): void {
  const setsid = openLibc().func('int setsid(void)');
  if (setsid() < 0) throw new TshuttleError('ERR_INTERNAL', `setsid failed with errno ${lastErrno()}`);
}

/**
 * Puts /dev/null in the place of standard input, output and error and of every other descriptor of a terminal: libuv
 * keeps a second one for each standard stream that is a terminal.
 */
export function releaseStandardStreams(): void {
  if (!canReleaseStreams()) return;
  if (!canStartNewSession()) {
    for (const descriptor of [0, 1, 2]) replaceByNothing(descriptor);
    return;
  }
  const dup2 = openLibc().func('int dup2(int, int)');
  const nothing = openSync('/dev/null', 'r+');
  try {
    for (const descriptor of new Set([0, 1, 2, ...terminalDescriptors()])) {
      if (dup2(nothing, descriptor) < 0) {
        throw new TshuttleError('ERR_INTERNAL', `dup2 to ${descriptor} failed with errno ${lastErrno()}`);
      }
    }
  } finally {
    if (nothing > 2) closeSync(nothing);
  }
}

/** Without dup2(2): the lowest descriptor is the one that a file gets which is opened next. */
function replaceByNothing(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // It is not open, and is to be.
  }
  const opened = openSync('/dev/null', 'r+');
  if (opened !== descriptor) closeSync(opened);
}

function terminalDescriptors(): number[] {
  // macOS has /dev/fd, whose entries are no links; there the second descriptor stays open.
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => {
      try {
        return /^\/dev\/(?:pts\/|tty|console)/.test(readlinkSync(`/proc/self/fd/${descriptor}`));
      } catch {
        // The descriptor of this very listing.
        return false;
      }
    });
}

import { type ResourceLimit, resourceLimit, setResourceLimit } from '../native/resource-limit.ts';

/** The limit as it was before: the soft one, and the hard one, which stays. */
let users: ResourceLimit | undefined;

/**
 * Sets the soft limit of core files to 0: one would hold the passwords that this process has, in whatever folder it is.
 * Idempotent; where it fails, or there is no native library, nothing else is lost.
 *
 * The process stays dumpable (PR_SET_DUMPABLE): else its /proc/PID/fd would be root's, by which a pid file is judged.
 */
export function forbidCoreFiles(): void {
  users ??= resourceLimit('core file');
  if (users !== undefined) setResourceLimit('core file', { ...users, soft: 0 });
}

/** Starts a program of the user's, which keeps the user's own limit: a child has that of the moment of fork(2). */
export function withUsersCoreLimit<T>(start: () => T): T {
  if (users === undefined) return start();
  setResourceLimit('core file', users);
  try {
    return start();
  } finally {
    setResourceLimit('core file', { ...users, soft: 0 });
  }
}

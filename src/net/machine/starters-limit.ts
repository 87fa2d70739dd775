import { closeSync, openSync, readFileSync } from 'node:fs';
import { resourceLimit, setResourceLimit } from '../native/resource-limit.ts';

/** What starting a child may open itself: its pipes. */
const ROOM_FOR_PIPES = 32;

let startersLimit: number | undefined;

/**
 * Starts a program of the user's with the soft limit of descriptors that tshuttle was started with. Node.js raises its own to the
 * hard one and forgets what it found, so this is the limit of its parent (native-notes/descriptors.md). Only ever lower
 * than ours, and only for as long as the child is made; nothing is changed where we have too much open for that.
 *
 * @param start makes the child before it returns, as child_process does
 */
export function withStartersLimit<T>(start: () => T): T {
  startersLimit ??= softLimitOf(process.ppid) ?? Number.POSITIVE_INFINITY;
  const ours = resourceLimit('descriptors');
  if (ours === undefined || startersLimit >= ours.soft || !hasRoomBelow(startersLimit)) return start();
  if (!setResourceLimit('descriptors', { ...ours, soft: startersLimit })) return start();
  try {
    return start();
  } finally {
    setResourceLimit('descriptors', ours);
  }
}

/** @returns undefined where the system does not tell: not Linux, or a process of somebody else */
function softLimitOf(pid: number): number | undefined {
  try {
    const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** The lowest free number is at least as high as there are descriptors below it. */
function hasRoomBelow(limit: number): boolean {
  try {
    const lowestFree = openSync('/dev/null', 'r');
    closeSync(lowestFree);
    return lowestFree + ROOM_FOR_PIPES < limit;
  } catch {
    return false;
  }
}

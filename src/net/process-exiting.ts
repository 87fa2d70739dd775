import { readFileSync } from 'node:fs';

/** linux/sched.h: set before a process that ends, however it ends, closes the first of its descriptors. */
const PF_EXITING = 0x4;

/** `flags` of /proc/PID/stat, counted from `state`, which follows the name in brackets (proc(5)). */
const FLAGS_FIELD = 6;

/**
 * Whether a process is ending, so that what it had open may be closed already and it has not said so yet.
 *
 * @returns false where the system does not tell: not Linux, or a process that cannot be seen from here
 */
export function isExiting(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[FLAGS_FIELD]) & PF_EXITING) !== 0;
  } catch {
    return false;
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import type { Namespace } from '../../test/support/lab/namespace.ts';

/** One process at one moment. */
export interface ProcessState {
  readonly pid: number;
  readonly argv: readonly string[];
  /** User and system time, with that of children that have ended. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux
const PAGE_BYTES = 4096;

/** The state of a process; undefined when there is none any more. */
export function readProcess(pid: number): ProcessState | undefined {
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return { pid, argv, ...parseStat(stat) };
  } catch {
    return undefined;
  }
}

/** The figures of /proc/PID/stat (proc(5)); the name in it may contain anything but ends with the last parenthesis. */
export function parseStat(stat: string): Pick<ProcessState, 'cpuSeconds' | 'residentBytes'> {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Fields 14 to 17 and 24 of the manual page; `fields` begins with field 3.
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
  return { cpuSeconds: ticks / TICKS_PER_SECOND, residentBytes: Number(fields[21]) * PAGE_BYTES };
}

/** All processes in a namespace but the load program and what only starts something. */
export async function processesOf(namespace: Namespace): Promise<ProcessState[]> {
  const states = (await namespace.pids()).map(readProcess);
  return states
    .filter((state) => state !== undefined)
    .filter((state) => !isLoad(state) && state.argv.length > 0);
}

function isLoad(state: ProcessState): boolean {
  return state.argv[0]?.endsWith('/load') === true;
}

/** How often the threads of a process have gone to sleep, and so were woken up: proc_pid_status(5). */
export function contextSwitchesOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
  }, 0);
}

/** The memory of a process, with its part of what it shares with others: proc_pid_smaps(5). */
export function proportionalBytesOf(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) * 1024;
}

/** CPU seconds spent between two moments, by processes that may have come since, but have not ended unseen. */
export function cpuSecondsBetween(before: readonly ProcessState[], after: readonly ProcessState[]): number {
  const earlier = new Map(before.map((state) => [state.pid, state.cpuSeconds]));
  return after.reduce((sum, state) => sum + state.cpuSeconds - (earlier.get(state.pid) ?? 0), 0);
}

/** CPU seconds that all CPUs of this machine have spent on programs since it started (proc(5), /proc/stat). */
export function busySeconds(): number {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const [user = 0, nice = 0, system = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system) / TICKS_PER_SECOND;
}

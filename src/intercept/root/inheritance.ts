import { closeSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '../../core/errors.ts';
import { type Resource, raiseAllLimits } from '../../net/native/resource-limit.ts';
import { resetScheduling } from '../../net/native/scheduling.ts';
import { isForSomebodyElse } from './caller.ts';

/** What ends a process that passes it, or keeps it from undoing what it has done. */
const DEADLY: ReadonlySet<Resource> = new Set(['CPU time', 'realtime timeout', 'data size', 'address space']);

/** Where a process is open to be chosen when memory runs out: -1000 is never, 1000 first (proc(5)). */
const OWN_SCORE_FILE = '/proc/self/oom_score_adj';

/**
 * What is for our client to judge, what only stops us, and what whoever started us may have armed or a debugger be called by:
 * none of it ends us. SIGTERM still does; SIGKILL and SIGSTOP cannot be caught.
 */
const SIGNALS_FOR_OTHERS = [
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGPIPE', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const),
  ...(['SIGALRM', 'SIGVTALRM', 'SIGPROF', 'SIGXCPU', 'SIGXFSZ'] as const),
  ...(['SIGUSR1', 'SIGUSR2', 'SIGIO', 'SIGPWR', 'SIGSTKFLT'] as const),
];

/**
 * Lets go of what this process has of whoever started it and could be made to fail by: the environment, the folder, the umask,
 * limits, timers, the scheduler's terms, descriptors, and being the first to go when memory runs out. Node.js has set signals
 * that were ignored or blocked to what they usually are (node.cc, PlatformInit). Before anything is done for a client.
 *
 * @returns why nothing may be done for it: a limit that would end us one day, with rules in force, and cannot be taken off
 */
export function letGoOfInheritance(): string | undefined {
  ignoreSignals();
  for (const name of Object.keys(process.env)) delete process.env[name];
  process.chdir('/');
  process.umask(0o022);
  if (process.platform !== 'linux') return undefined;
  closeInheritedDescriptors();
  setOutOfMemoryScore((score) => Math.min(score, 0));
  try {
    resetScheduling();
    return refusalOf(raiseAllLimits().filter((resource) => DEADLY.has(resource)));
  } catch (error) {
    // Without a native library; then there must be nothing to take off.
    return readsUnlimited() ? undefined : refusalOf(['CPU time'], messageOf(error));
  }
}

/** Does nothing at a signal of those that are not for us. SIGTERM is left. */
export function ignoreSignals(): void {
  for (const signal of SIGNALS_FOR_OTHERS) {
    try {
      process.on(signal, () => {});
    } catch {
      // A system that does not have it.
    }
  }
}

/** Changes how soon this process goes when memory runs out; what the system refuses stays. */
export function setOutOfMemoryScore(change: (score: number) => number): void {
  try {
    const score = Number(readFileSync(OWN_SCORE_FILE, 'latin1'));
    if (change(score) !== score) writeFileSync(OWN_SCORE_FILE, `${change(score)}`, { flag: 'r+' });
  } catch {
    // Not to be lowered in a user namespace.
  }
}

function refusalOf(limits: readonly Resource[], cause?: string): string | undefined {
  // Whoever is root and limits itself can have it so.
  if (limits.length === 0 || !isForSomebodyElse()) return undefined;
  const what = `it was started with a limit of ${limits.join(', ')} that cannot be taken off`;
  return `${what}${cause === undefined ? '' : ` (${cause})`}: start tshuttle without (ulimit -t, -v, -d unlimited)`;
}

function readsUnlimited(): boolean {
  try {
    return /^Max cpu time\s+unlimited\s+unlimited/m.test(readFileSync('/proc/self/limits', 'latin1'));
  } catch {
    return false;
  }
}

const CLOSE_ON_EXEC = 0o2000000;

/** All of our own close when a program is started, those that came with us do not. sudo leaves none (sudoers(5), closefrom). */
function closeInheritedDescriptors(): void {
  for (const descriptor of readdirSync('/proc/self/fd').map(Number)) {
    if (descriptor <= 2) continue;
    try {
      const flags = /^flags:\s+([0-7]+)/m.exec(
        readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'),
      )?.[1];
      if ((Number.parseInt(flags ?? '', 8) & CLOSE_ON_EXEC) === 0) closeSync(descriptor);
    } catch {
      // The one of this very listing.
    }
  }
}

import { readdirSync } from 'node:fs';
import { openLibc } from './library.ts';

/** linux/sched.h: SCHED_OTHER. */
const USUAL_POLICY = 0;
/** sys/resource.h: PRIO_PROCESS, which Linux takes for a thread. */
const OF_A_THREAD = 0;
/** 8,192 processors. */
const MASK_BYTES = 1_024;
/** sys/time.h: ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF. */
const TIMERS = [0, 1, 2];
/** struct itimerval, of four longs. */
const TIMER_BYTES = 32;
/** linux/prctl.h: PR_SET_TIMERSLACK; the slack is what a process starts with by default. */
const SET_TIMER_SLACK = 29;
const USUAL_SLACK_NS = 50_000;

/**
 * Has every thread of this process run as any other does: with the usual policy and priority, and on all processors; and has no
 * timer of its parent end or delay it. All of that is inherited, also by a program that sudo makes root. Linux; what the
 * system refuses stays.
 *
 * @throws TshuttleError ERR_INTERNAL without a native library
 */
export function resetScheduling(): void {
  const libc = openLibc();
  const setScheduler = libc.func('int sched_setscheduler(int thread, int policy, const void *priority)');
  const setPriority = libc.func('int setpriority(int which, int who, int priority)');
  const setAffinity = libc.func('int sched_setaffinity(int thread, size_t bytes, const void *mask)');
  const setTimer = libc.func('int setitimer(int which, const void *value, void *old)');
  const processControl = libc.func(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  );
  const noPriority = Buffer.alloc(4);
  const all = Buffer.alloc(MASK_BYTES, 0xff);
  for (const thread of readdirSync('/proc/self/task').map(Number)) {
    setScheduler(thread, USUAL_POLICY, noPriority);
    setPriority(OF_A_THREAD, thread, 0);
    setAffinity(thread, MASK_BYTES, all);
  }
  for (const timer of TIMERS) setTimer(timer, Buffer.alloc(TIMER_BYTES), null);
  processControl(SET_TIMER_SLACK, USUAL_SLACK_NS, 0, 0, 0);
}

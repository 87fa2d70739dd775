/**
 * The process that undoes what a helper leaves when it is killed, where the kernel does not do it. It is root's, and idle until
 * then; started only for rules without the owner flag, before the first of them.
 *
 *     stdin    the helper's end: a byte says that it has undone its rules itself; its end without one, that it is dead
 *     3        the helper's and its tools' end: a tool of a dead helper may still be about to set rules
 *     stdout   a line when it watches
 *     argv     the helper, as in the comment of its rules (instance.ts)
 *
 * Whoever started the helper can have its whole control group killed, frozen or starved. So this process leaves that, and is the
 * last to go when memory runs out. Limits and the like the helper has taken off before (inheritance.ts).
 */
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { judgeInstance } from './backend/this-instance.ts';
import { cleanUpDeadInstances } from './cleanup.ts';
import { ignoreSignals, setOutOfMemoryScore } from './inheritance.ts';

/** Of the whole machine, in which whoever is not root can do nothing (cgroups(7), version 2 and the mixed hierarchy). */
const TOP_GROUPS = ['/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/unified/cgroup.procs'];

const NEVER_CHOSEN = -1_000;

/** A process that has closed its files is dead a moment later. */
const DEAD_POLL_MS = 5;
const DEAD_WITHIN_MS = 2_000;

/** Somebody else may hold the lock of iptables. */
const ATTEMPTS = 10;
const ATTEMPT_EVERY_MS = 1_000;

const [, , helper = ''] = process.argv;

ignoreSignals();
process.on('SIGTERM', () => {});
leaveControlGroup();
setOutOfMemoryScore(() => NEVER_CHOSEN);
const toolsEnded = endOf(new Socket({ fd: 3, readable: true, writable: false }));
process.stdin.on('data', () => process.exit(0));
void endOf(process.stdin).then(undo);
process.stdout.on('error', () => {}); // its reader is gone; stdin says so too
process.stdout.write('ready\n');

async function undo(): Promise<never> {
  for (
    let waitedMs = 0;
    judgeInstance(helper) === 'alive' && waitedMs < DEAD_WITHIN_MS;
    waitedMs += DEAD_POLL_MS
  )
    await delay(DEAD_POLL_MS);
  await cleanUp();
  await toolsEnded;
  await cleanUp();
  process.exit(0);
}

async function cleanUp(): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const report = await cleanUpDeadInstances().catch(() => undefined);
    if (report?.failed.length === 0 && report.unread.length === 0) return;
    await delay(ATTEMPT_EVERY_MS);
  }
}

function endOf(stream: NodeJS.ReadStream | Socket): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['end', 'error', 'close'] as const) stream.on(event, () => resolve());
    stream.resume();
  });
}

function leaveControlGroup(): void {
  for (const path of TOP_GROUPS) {
    try {
      // Not to be made where it is not.
      writeFileSync(path, `${process.pid}`, { flag: 'r+' });
      return;
    } catch {
      // Not this hierarchy; or in a container, which may not.
    }
  }
}

import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseInstance } from '../../rules/instance.ts';
import { cleanUpDeadInstances } from '../cleanup.ts';
import type { MethodDriver } from '../drivers/backend/method-driver.ts';
import { judgeInstance } from '../drivers/backend/this-instance.ts';
import { driversHere } from '../drivers/drivers.ts';
import { ignoreSignals, setOutOfMemoryScore } from '../inheritance.ts';

/** Of the whole machine, in which whoever is not root can do nothing (cgroups(7), version 2 and the mixed hierarchy). */
const TOP_GROUPS = ['/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/unified/cgroup.procs'];

const NEVER_CHOSEN = -1_000;

/** A process that has closed its files is dead a moment later. */
const DEAD_POLL_MS = 5;
const DEAD_WITHIN_MS = 2_000;

/** Somebody else may hold the lock of iptables. */
const ATTEMPTS = 10;
const ATTEMPT_EVERY_MS = 1_000;

/**
 * Is the guardian, from its start to its end.
 *
 * @param drivers what it undoes by; a test's own program puts others here
 * @param pause waits, as nothing else here does: what is done without it is done as fast as the machine can
 */
export function watchHelper(
  drivers: readonly MethodDriver[] = driversHere(),
  pause: (ms: number) => Promise<unknown> = delay,
): void {
  const [, , helper = ''] = process.argv;
  ignoreSignals();
  process.on('SIGTERM', () => {});
  leaveControlGroup();
  setOutOfMemoryScore(() => NEVER_CHOSEN);
  const toolsEnded = endOf(new Socket({ fd: 3, readable: true, writable: false }));
  process.stdin.on('data', () => process.exit(0));
  void endOf(process.stdin).then(async () => {
    for (let waitedMs = 0; isThere(helper) && waitedMs < DEAD_WITHIN_MS; waitedMs += DEAD_POLL_MS)
      await pause(DEAD_POLL_MS);
    await cleanUp(drivers, pause);
    await toolsEnded;
    await cleanUp(drivers, pause);
    process.exit(0);
  });
  process.stdout.on('error', () => {}); // its reader is gone; stdin says so too
  process.stdout.write('ready\n');
}

/** The system gives us another parent when all that the helper held is let go of; where there is /proc, that tells, too. */
function isThere(helper: string): boolean {
  return judgeInstance(helper) === 'alive' || process.ppid === parseInstance(helper)?.pid;
}

async function cleanUp(
  drivers: readonly MethodDriver[],
  pause: (ms: number) => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const report = await cleanUpDeadInstances(drivers).catch(() => undefined);
    if (report?.failed.length === 0 && report.unread.length === 0) return;
    await pause(ATTEMPT_EVERY_MS);
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

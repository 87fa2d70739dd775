import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = /^tshuttle-lab-(\d+)-/;

/** The name under which everything of one lab goes; it carries the test process's id, so that labs never collide. */
export function labName(labNumber: number): string {
  return `tshuttle-lab-${process.pid}-${labNumber}`;
}

/** Removes one namespace and everything that runs in it, synchronously, for a test process that is going away. */
export function removeNamespaceNow(name: string): void {
  try {
    const pids = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8', stdio: 'pipe' });
    for (const pid of pids.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
  } catch {
    // Not there, or ended by itself.
  }
  try {
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  } catch {
    // Not there.
  }
}

/** Removes the labs of test processes that are no more: killed with SIGKILL, they could not do it themselves. */
export function removeLabsOfDeadProcesses(): void {
  const namespaces = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const line of namespaces.split('\n')) {
    const name = line.split(' ')[0] ?? '';
    if (isOfDeadProcess(name)) removeNamespaceNow(name);
  }
  for (const name of readdirSync(tmpdir())) {
    if (isOfDeadProcess(name)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isOfDeadProcess(name: string): boolean {
  const pid = NAME.exec(name)?.[1];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch {
    return true;
  }
}

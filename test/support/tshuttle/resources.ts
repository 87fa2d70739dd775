import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { until } from '../process/until.ts';

/** What a node process holds. */
export interface Resources {
  /** What keeps its event loop alive: how many of each kind, as `process.getActiveResourcesInfo` names them. */
  readonly active: Readonly<Record<string, number>>;
  /** In use after a full collection, buffers among them. */
  readonly bytes: number;
}

/** The environment with which a process started by node can be asked for its {@link resourcesOf}. */
export function reportingResources(lab: Lab): Record<string, string> {
  return {
    NODE_OPTIONS: '--expose-gc --require ./test/support/tshuttle/report-resources.cjs',
    REPORT_RESOURCES: join(lab.directory, 'resources.json'),
  };
}

/** Asks the process that was started with {@link reportingResources}. One at a time. */
export async function resourcesOf(lab: Lab, pid: number): Promise<Resources> {
  const file = join(lab.directory, 'resources.json');
  await rm(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  return await until(
    async () => JSON.parse(await readFile(file, 'utf8').catch(() => 'false')) as Resources | false,
    { deadlineMs: 10_000, what: `process ${pid} has said what it holds` },
  );
}

/** How many descriptors a process has open. */
export async function descriptorsOf(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

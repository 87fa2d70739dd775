import { readdir, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

/** What a node process holds. */
export interface Resources {
  /** What keeps its event loop alive: how many of each kind, as `process.getActiveResourcesInfo` names them. */
  readonly active: Readonly<Record<string, number>>;
  /** In use after a full collection, buffers among them. */
  readonly bytes: number;
}

/**
 * The environment with which a process started by node can be asked for its {@link resourcesOf}.
 *
 * @param file where it answers
 * @param repository where this file's folder is, if not here: the bench runs a build of it
 */
export function reportingResources(
  file: string,
  repository = fileURLToPath(new URL('../../..', import.meta.url)),
): Record<string, string> {
  return {
    NODE_OPTIONS: `--expose-gc --require ${repository}/test/support/process/report-resources.cjs`,
    REPORT_RESOURCES: file,
  };
}

/** Asks the process that was started with {@link reportingResources}. One at a time. */
export async function resourcesOf(file: string, pid: number): Promise<Resources> {
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

import { availableParallelism } from 'node:os';
import type { Namespace } from '../../test/support/lab/namespace.ts';
import type { BenchLab } from '../lab/bench-lab.ts';
import { busySeconds, cpuSecondsBetween, type ProcessState, processesOf, readProcess } from './processes.ts';

/** What a stretch of time has cost. */
export interface CpuCost {
  readonly clientSeconds: number;
  readonly serverSeconds: number;
}

/** Measures what the processes of a peer cost from now on. */
export async function startCpuMeter(lab: BenchLab): Promise<{ stop(): Promise<CpuCost> }> {
  const before = await Promise.all([processesOf(lab.client), processesOf(lab.bastion)]);
  return {
    stop: async () => {
      const after = await Promise.all([processesOf(lab.client), processesOf(lab.bastion)]);
      return {
        clientSeconds: cpuSecondsBetween(before[0], after[0]),
        serverSeconds: cpuSecondsBetween(before[1], after[1]),
      };
    },
  };
}

/** Measures how much of this machine others used: the more, the less its figures are worth. */
export async function startForeignCpuMeter(
  lab: BenchLab,
  linkPid: number | undefined,
): Promise<{ stop(): Promise<number> }> {
  const own = async (): Promise<ProcessState[]> => {
    const pids = await Promise.all([lab.client, lab.bastion, lab.destination, lab.neighbour].map(pidsOf));
    const all = [...pids.flat(), process.pid, ...(linkPid === undefined ? [] : [linkPid])];
    return all.map(readProcess).filter((state) => state !== undefined);
  };
  const startedAt = performance.now();
  const before = await own();
  const busyBefore = busySeconds();
  return {
    /** The share of all CPUs, 0 to 1. */
    stop: async () => {
      const busy = busySeconds() - busyBefore;
      const ours = cpuSecondsBetween(before, await own());
      const elapsed = (performance.now() - startedAt) / 1000;
      return Math.max(0, (busy - ours) / (elapsed * availableParallelism()));
    },
  };
}

async function pidsOf(namespace: Namespace): Promise<number[]> {
  return await namespace.pids();
}

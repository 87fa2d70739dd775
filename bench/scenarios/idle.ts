import { setTimeout as delay } from 'node:timers/promises';
import {
  contextSwitchesOf,
  cpuSecondsBetween,
  type ProcessState,
  processesOf,
  proportionalBytesOf,
} from '../measure/processes.ts';
import type { Metric } from '../report/result.ts';
import { MEBIBYTE, type Scenario, type Visit } from './scenario.ts';

/** What a start leaves to be done later is done by then: collections of garbage, the check of the capture, a first keepalive. */
const SETTLE_MS = { full: 20_000, quick: 5_000 } as const;

const OBSERVED_SECONDS = { full: 60, quick: 20 } as const;

/** What a tunnel costs that nobody uses, after a few flows: memory, processor time, and how often it wakes up. */
export const idle: Scenario = {
  name: 'idle',
  title: 'A tunnel that nobody uses',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: ['ssh-L', 'tshuttle'], quick: ['ssh-L', 'tshuttle'] },
  runs: { full: 5, quick: 1 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    const seconds = OBSERVED_SECONDS[visit.pace];
    await delay(SETTLE_MS[visit.pace]);
    const before = await processesOf(visit.lab.client);
    const switchesBefore = before.map(({ pid }) => contextSwitchesOf(pid));
    await delay(seconds * 1_000);
    const after = await processesOf(visit.lab.client);
    const switches = new Map(
      before.map(({ pid }, index) => [pid, contextSwitchesOf(pid) - switchesBefore[index]!]),
    );

    const isHelper = ({ argv }: ProcessState) => visit.peer.isHelper(argv);
    for (const [who, processes] of [
      ['client', after.filter((one) => !isHelper(one))],
      ['helper', after.filter(isHelper)],
    ] as const) {
      if (processes.length === 0) continue;
      const sum = (of: (process: ProcessState) => number) =>
        processes.reduce((total, one) => total + of(one), 0);
      const record = (name: string, unit: Metric['unit'], value: number) =>
        visit.record({ name: `${name}, ${who}`, unit, better: 'less' }, [value]);
      record('wakeups a second', '1/s', sum(({ pid }) => switches.get(pid) ?? Number.NaN) / seconds);
      record(
        'CPU',
        '%',
        (cpuSecondsBetween(
          before.filter(({ pid }) => processes.some((one) => one.pid === pid)),
          processes,
        ) /
          seconds) *
          100,
      );
      record('RSS', 'MiB', sum(({ residentBytes }) => residentBytes) / MEBIBYTE);
    }
    recordTogether(visit, after);
  },
};

/** Pages that processes share, such as Node.js's own, count once. */
function recordTogether(visit: Visit, processes: readonly ProcessState[]): void {
  const bytes = processes.reduce((sum, { pid }) => sum + proportionalBytesOf(pid), 0);
  visit.record({ name: 'PSS, all together', unit: 'MiB', better: 'less' }, [bytes / MEBIBYTE]);
}

import type { Direction } from '../load/load.ts';
import { startCpuMeter } from '../measure/cpu-meter.ts';
import { growthPerSecond } from '../report/statistics.ts';
import { ALL_PEERS, MEBIBYTE, OPENSSH_PEERS, type Scenario, type Visit } from './scenario.ts';

const SECONDS = { full: 3, quick: 2.2 } as const;
const WARM_UP_SECONDS = 0.7;
/** What is carried each way before anything counts: a tunnel runs from login on, and V8 compiles during its first seconds. */
const FIRST_SECONDS = { full: 2, quick: 1 } as const;
const GIBIBYTE = 1024 * MEBIBYTE;

/** As fast as it goes, through memory only: one flow and eight, both ways, and what a GiB costs. */
export const throughput: Scenario = {
  name: 'throughput',
  title: 'Throughput and CPU',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: [...ALL_PEERS, ...OPENSSH_PEERS], quick: ['ssh-L', 'sshuttle', 'tshuttle'] },
  runs: { full: 5, quick: 2 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    for (const direction of ['down', 'up'] as const) await measureFirst(visit, direction);
    for (const flows of visit.pace === 'full' ? [1, 8] : [1]) {
      for (const direction of ['down', 'up'] as const) await measureBulk(visit, direction, flows);
    }
  },
};

/** The first seconds of a process, which cost more: told, but not counted in the others. */
export async function measureFirst(visit: Visit, direction: Direction): Promise<void> {
  const { cost, gibibytes } = await carryBulk(visit, direction, 1, FIRST_SECONDS[visit.pace]);
  if (visit.peer.name === 'raw') return; // no process of its own
  const name = `client CPU, first seconds ${direction}`;
  visit.record({ name, unit: 's/GiB', better: 'less' }, [cost.clientSeconds / gibibytes]);
}

/** Rate and CPU of so many flows in one direction. */
export async function measureBulk(visit: Visit, direction: Direction, flows: number): Promise<void> {
  const label = `${flows === 1 ? 'one flow' : 'eight flows'} ${direction}`;
  const { result, cost, gibibytes } = await carryBulk(visit, direction, flows, SECONDS[visit.pace]);
  if (result.failed > 0) throw new Error(`${label}: ${result.failed} flows broke`);
  const bytesPerSecond = growthPerSecond(result.microseconds, result.bytes, WARM_UP_SECONDS);
  visit.record({ name: label, unit: 'Gbit/s', better: 'more' }, [(bytesPerSecond * 8) / 1e9]);
  if (visit.peer.name === 'raw') return; // no process of its own
  for (const [side, seconds] of [
    ['client', cost.clientSeconds],
    ['server', cost.serverSeconds],
  ] as const) {
    visit.record({ name: `${side} CPU, ${label}`, unit: 's/GiB', better: 'less' }, [seconds / gibibytes]);
  }
}

async function carryBulk(visit: Visit, direction: Direction, flows: number, seconds: number) {
  const meter = await startCpuMeter(visit.lab);
  const result = await visit.load.bulk(direction, flows, seconds);
  const cost = await meter.stop();
  return { result, cost, gibibytes: (result.bytes.at(-1) ?? 0) / GIBIBYTE };
}

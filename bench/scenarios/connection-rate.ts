import { ALL_PEERS, MEBIBYTE, OPENSSH_PEERS, type Scenario, type Visit } from './scenario.ts';

const COUNT = { full: 5_000, quick: 2_000 } as const;
/** Told apart: V8 compiles during the first flows of a process, and a tunnel runs from login on. */
const FIRST_COUNT = { full: 3_000, quick: 1_000 } as const;
const AT_ONCE = 50;
const TIMEOUT_SECONDS = 20;

/** New connections, 50 at a time, one small request on each, as a busy HTTP/1.0 client makes them. */
export const connectionRate: Scenario = {
  name: 'connection-rate',
  title: 'New flows',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: [...ALL_PEERS, ...OPENSSH_PEERS], quick: ['ssh-L', 'tshuttle'] },
  runs: { full: 5, quick: 2 },
  checkedBytes: MEBIBYTE,
  measure: measureConnectionRate,
};

/** New flows of one peer: the first of the process, and those after them. */
export async function measureConnectionRate(visit: Visit): Promise<void> {
  const first = await visit.load.rate(FIRST_COUNT[visit.pace], AT_ONCE, TIMEOUT_SECONDS);
  const result = await visit.load.rate(COUNT[visit.pace], AT_ONCE, TIMEOUT_SECONDS);
  visit.record({ name: 'new flows', unit: '1/s', better: 'more' }, [result.done / result.seconds]);
  const label = `new flows, the first ${FIRST_COUNT[visit.pace].toLocaleString('en')} of a process`;
  visit.record({ name: label, unit: '1/s', better: 'more' }, [first.done / first.seconds]);
  visit.record({ name: 'lost', unit: 'flows', better: 'less' }, [first.lost + result.lost]);
  visit.record({ name: 'latency, 50 at once', unit: 'ms', better: 'less' }, inMs(result.microseconds));
}

function inMs(microseconds: readonly number[]): number[] {
  return microseconds.map((value) => value / 1000);
}

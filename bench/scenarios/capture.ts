import { measureConnectionRate } from './connection-rate.ts';
import { CAPTURE_PEERS, MEBIBYTE, type Scenario } from './scenario.ts';
import { measureBulk, measureFirst } from './throughput.ts';

/** The ways by which connections come to tshuttle: nft's redirect of the client's own, tproxy, and nft's redirect of a neighbour's. */
export const capture: Scenario = {
  name: 'capture',
  title: 'Ways to capture',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: ['tshuttle', ...CAPTURE_PEERS], quick: [] },
  runs: { full: 3, quick: 0 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    for (const direction of ['down', 'up'] as const) await measureFirst(visit, direction);
    for (const direction of ['down', 'up'] as const) await measureBulk(visit, direction, 1);
    await measureConnectionRate(visit);
  },
};

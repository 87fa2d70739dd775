import { CIPHER_PEERS } from '../peers/ciphers.ts';
import { MEBIBYTE, type Scenario } from './scenario.ts';
import { measureBulk, measureFirst } from './throughput.ts';

/** What each cipher costs, with ssh2's native code and without it, beside `ssh -L` with the same. */
export const ciphers: Scenario = {
  name: 'ciphers',
  title: 'Ciphers',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: CIPHER_PEERS.map(({ name }) => name), quick: [] },
  runs: { full: 3, quick: 0 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    for (const direction of ['down', 'up'] as const) await measureFirst(visit, direction);
    for (const direction of ['down', 'up'] as const) await measureBulk(visit, direction, 1);
  },
};

import { LINK_PROFILES } from '../link/profiles.ts';
import { growthPerSecond } from '../report/statistics.ts';
import { MEBIBYTE, type Scenario } from './scenario.ts';

const SECONDS = { full: 5, quick: 4 } as const;
const RAMP_UP_SECONDS = 2;

/** One flow over a fast path with a long round trip: how much a program lets be under way. */
export const longPath: Scenario = {
  name: 'long-path',
  title: LINK_PROFILES.long.title,
  path: 'long',
  congestionControl: 'bbr',
  peers: { full: ['raw', 'ssh-L', 'sshuttle', 'tshuttle'], quick: ['ssh-L', 'tshuttle'] },
  runs: { full: 3, quick: 0 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    for (const direction of ['down', 'up'] as const) {
      const result = await visit.load.bulk(direction, 1, SECONDS[visit.pace]);
      if (result.failed > 0) throw new Error(`${direction}: the flow broke`);
      for (const [suffix, from] of [
        ['', 0],
        [', after 2 s', RAMP_UP_SECONDS],
      ] as const) {
        const rate = growthPerSecond(result.microseconds, result.bytes, from);
        visit.record({ name: `one flow ${direction}${suffix}`, unit: 'Mbit/s', better: 'more' }, [
          (rate * 8) / 1e6,
        ]);
      }
    }
  },
};

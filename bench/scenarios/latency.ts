import { recordLatencies, underLoad } from './probes.ts';
import { ALL_PEERS, MEBIBYTE, type Scenario } from './scenario.ts';

const IDLE_SECONDS = { full: 2, quick: 1.2 } as const;
const LOADED_SECONDS = { full: 2.5, quick: 2 } as const;
const LEAD_SECONDS = 0.6;
const PAUSE_MS = 5;

/** What one small request on a kept connection costs: alone, and while one flow takes all it can get. */
export const latency: Scenario = {
  name: 'latency',
  title: 'Latency of a request on a kept connection',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: ALL_PEERS, quick: ['ssh-L', 'tshuttle'] },
  runs: { full: 5, quick: 2 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    recordLatencies(visit, 'idle', await visit.load.keepAlive(IDLE_SECONDS[visit.pace], PAUSE_MS));
    for (const direction of ['down', 'up'] as const) {
      const name = `under ${direction}load`;
      const background = { direction, flows: 1, leadSeconds: LEAD_SECONDS };
      const rate = await underLoad(visit, background, async () => {
        recordLatencies(visit, name, await visit.load.keepAlive(LOADED_SECONDS[visit.pace], PAUSE_MS));
      });
      visit.record({ name: `${direction}load beside it`, unit: 'Gbit/s', better: 'more' }, [
        (rate * 8) / 1e9,
      ]);
    }
  },
};

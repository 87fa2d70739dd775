import type { CongestionControl } from '../lab/paths.ts';
import { LINK_PROFILES } from '../link/profiles.ts';
import type { Direction } from '../load/load.ts';
import { growthPerSecond } from '../report/statistics.ts';
import { recordLatencies, underLoad } from './probes.ts';
import { MEBIBYTE, type Pace, type Scenario, TSHUTTLE_4, type Visit } from './scenario.ts';

const BULK_SECONDS = { full: 6, quick: 4 } as const;
const PROBE_SECONDS = { full: 5, quick: 3 } as const;
const IDLE_SECONDS = 2;
const RAMP_UP_SECONDS = 2;
const LEAD_SECONDS = 1.5;
const PAUSE_MS = 20;

/** Which parts of a link scenario are measured. */
type Extent = 'all' | 'uploads';

/** What users feel on a real link: rates, and how long others wait while somebody uses all of it. */
export const linkScenarios: readonly Scenario[] = [
  linkScenario('a', 'bbr', 'all', { full: 3, quick: 1 }),
  linkScenario('a', 'reno', 'uploads', { full: 3, quick: 0 }),
  linkScenario('b', 'bbr', 'all', { full: 3, quick: 0 }),
  linkScenario('c', 'bbr', 'all', { full: 3, quick: 0 }),
  linkScenario('d', 'bbr', 'all', { full: 3, quick: 0 }),
];

function linkScenario(
  link: 'a' | 'b' | 'c' | 'd',
  congestionControl: CongestionControl,
  extent: Extent,
  runs: Readonly<Record<Pace, number>>,
): Scenario {
  // A hole in one connection holds up all that it carries; what plain TCP reaches then is no more than a part of the rate.
  const isLossy = LINK_PROFILES[link].lossPercent > 0;
  const peers = ['ssh-L', 'tshuttle', ...(isLossy ? [TSHUTTLE_4, 'raw'] : [])];
  return {
    name: `link-${link}${congestionControl === 'bbr' ? '' : `-${congestionControl}`}`,
    title: `${LINK_PROFILES[link].title}, ${congestionControl}`,
    path: link,
    congestionControl,
    peers: { full: peers, quick: peers },
    runs,
    checkedBytes: MEBIBYTE / 8,
    measure: async (visit) => {
      await measureIdle(visit);
      if (extent === 'all' && visit.pace === 'full') await measureBulk(visit, 'down');
      if (visit.pace === 'full') await measureBulk(visit, 'up');
      if (extent === 'all') await measureUnderDownload(visit);
      await measureProbes(visit, 'KA under upload', 'up', 1);
    },
  };
}

async function measureIdle(visit: Visit): Promise<void> {
  recordLatencies(visit, 'KA idle', await visit.load.keepAlive(IDLE_SECONDS, PAUSE_MS));
  recordLatencies(visit, 'NEW idle', await visit.load.fresh(IDLE_SECONDS, PAUSE_MS));
}

async function measureBulk(visit: Visit, direction: Direction): Promise<void> {
  const result = await visit.load.bulk(direction, 1, BULK_SECONDS[visit.pace]);
  if (result.failed > 0) throw new Error(`${direction}load: the flow broke`);
  for (const [suffix, from] of [
    ['', 0],
    [', after 2 s', RAMP_UP_SECONDS],
  ] as const) {
    const rate = growthPerSecond(result.microseconds, result.bytes, from);
    visit.record({ name: `${direction}load${suffix}`, unit: 'Mbit/s', better: 'more' }, [(rate * 8) / 1e6]);
  }
}

async function measureUnderDownload(visit: Visit): Promise<void> {
  await measureProbes(visit, 'KA under download', 'down', 1);
  await underLoad(visit, { direction: 'down', flows: 1, leadSeconds: LEAD_SECONDS }, async () => {
    const result = await visit.load.fresh(PROBE_SECONDS[visit.pace], PAUSE_MS);
    recordLatencies(visit, 'NEW under download', result);
  });
  if (visit.pace === 'full') await measureProbes(visit, 'KA under 4 downloads', 'down', 4);
}

async function measureProbes(visit: Visit, name: string, direction: Direction, flows: number): Promise<void> {
  const background = { direction, flows, leadSeconds: LEAD_SECONDS };
  const rate = await underLoad(visit, background, async () => {
    recordLatencies(visit, name, await visit.load.keepAlive(PROBE_SECONDS[visit.pace], PAUSE_MS));
  });
  visit.record({ name: `${direction}load beside ${name}`, unit: 'Mbit/s', better: 'more' }, [
    (rate * 8) / 1e6,
  ]);
}

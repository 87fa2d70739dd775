import { setTimeout as delay } from 'node:timers/promises';
import { growthPerSecond } from '../report/statistics.ts';
import { recordMemory } from './memory.ts';
import { MEBIBYTE, type Scenario, TSHUTTLE_4 } from './scenario.ts';

const STALLED = 100;
const SECONDS = { full: 3, quick: 1.5 } as const;
const WARM_UP_SECONDS = 0.5;
const FILLING_SECONDS = 2;
const READING_TIMEOUT_MS = 60_000;

/** 100 downloads of 64 MiB that nobody reads, and one flow beside them that somebody does. */
export const stalledReaders: Scenario = {
  name: 'stalled-readers',
  title: '100 stalled readers',
  path: 'veth',
  congestionControl: 'reno',
  // sshd walks all channels of a connection for each piece of one (native-notes/sshd-channels.md): several connections show it.
  peers: { full: ['ssh-L', 'redsocks', 'sshuttle', 'tshuttle', TSHUTTLE_4], quick: ['ssh-L', 'tshuttle'] },
  runs: { full: 3, quick: 1 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    const alone = await visit.load.bulk('down', 1, SECONDS[visit.pace]);
    const stalled = await visit.load.stall(STALLED, 64 * MEBIBYTE);
    try {
      if (stalled.opened.lost > 0) throw new Error(`${stalled.opened.lost} readers did not get a connection`);
      await delay(FILLING_SECONDS * 1000);
      const beside = await visit.load.bulk('down', 1, SECONDS[visit.pace]);
      for (const [name, result] of [
        ['one flow alone', alone],
        ['one flow beside the stalled', beside],
      ] as const) {
        const rate = growthPerSecond(result.microseconds, result.bytes, WARM_UP_SECONDS);
        visit.record({ name, unit: 'Gbit/s', better: 'more' }, [(rate * 8) / 1e9]);
      }
      await recordMemory(visit, '100 stalled');
      // They are slow readers, not dead ones: all must still get every byte.
      if (visit.pace === 'full' && visit.run === 0 && visit.peer.name !== 'sshuttle') {
        const { done } = await stalled.again(READING_TIMEOUT_MS);
        visit.record({ name: 'exact when read after all', unit: 'flows', better: 'more' }, [done]);
      }
    } finally {
      await stalled.end();
    }
  },
};

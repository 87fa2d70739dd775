import { recordMemory } from './memory.ts';
import { MEBIBYTE, type Scenario, type Visit } from './scenario.ts';

const AT_ONCE = 50;
const TIMEOUT_SECONDS = { full: 25, quick: 10 } as const;

/** Many flows open at the same time, each used once at the start and once at the end. */
export const openFlows: Scenario = {
  name: 'open-flows',
  title: 'Open flows',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: ['ssh-L', 'redsocks', 'sshuttle', 'tshuttle'], quick: ['ssh-L', 'tshuttle'] },
  runs: { full: 3, quick: 1 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    await recordMemory(visit, 'no flow');
    await holdFlows(visit, 1_000);
    if (visit.pace === 'full' && visit.peer.maxFlows >= 10_000) await holdFlows(visit, 10_000);
  },
};

async function holdFlows(visit: Visit, count: number): Promise<void> {
  const label = `${count.toLocaleString('en')} flows`;
  const held = await visit.load.hold(count, AT_ONCE, TIMEOUT_SECONDS[visit.pace]);
  try {
    visit.record({ name: `opened, ${label}`, unit: 'flows', better: 'more' }, [held.opened.done]);
    visit.record({ name: `time to open ${label}`, unit: 's', better: 'less' }, [held.opened.seconds]);
    await recordMemory(visit, label);
    const { done } = await held.again(TIMEOUT_SECONDS[visit.pace] * 1000);
    visit.record({ name: `alive afterwards, ${label}`, unit: 'flows', better: 'more' }, [done]);
  } finally {
    await held.end();
  }
}

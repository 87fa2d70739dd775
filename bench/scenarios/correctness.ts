import { ALL_PEERS, MEBIBYTE, type Scenario } from './scenario.ts';

const BYTES = { full: 256 * MEBIBYTE, quick: 32 * MEBIBYTE } as const;
const TIMEOUT_MS = 60_000;

/** A known pattern both ways, each half closed before the other has begun, compared and hashed at both ends. */
export const correctness: Scenario = {
  name: 'correctness',
  title: 'Bytes, checked by hash',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: ALL_PEERS, quick: ['ssh-L', 'tshuttle'] },
  runs: { full: 1, quick: 1 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    const result = await visit.load.verify(BYTES[visit.pace], TIMEOUT_MS);
    visit.record({ name: 'exact transfers of 2', unit: 'checks', better: 'more' }, [
      Number(result.down) + Number(result.up),
    ]);
  },
};

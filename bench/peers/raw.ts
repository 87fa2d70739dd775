import { ADDRESSES } from '../lab/bench-lab.ts';
import { CAPTURED_ENDPOINT, type Peer } from './peer.ts';

/** Plain TCP, which the bastion forwards: what client, destination and link could do at most. */
export const raw: Peer = {
  name: 'raw',
  seenAs: ADDRESSES.client,
  maxFlows: 10_000,
  isHelper: () => false,
  start: async (lab) => {
    const forward = (value: 0 | 1) => lab.bastion.must(['sysctl', '-qw', `net.ipv4.ip_forward=${value}`]);
    await forward(1);
    return {
      endpoint: CAPTURED_ENDPOINT,
      stop: async () => {
        await forward(0);
      },
    };
  },
};

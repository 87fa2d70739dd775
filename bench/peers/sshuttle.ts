import { ADDRESSES } from '../lab/bench-lab.ts';
import { CAPTURED_ENDPOINT, type Peer, REMOTE, sshOptions, stopChild } from './peer.ts';

/** sshuttle as it comes, with its latency control. */
export const sshuttle: Peer = {
  name: 'sshuttle',
  seenAs: ADDRESSES.bastionInner,
  // It watches its sockets with select(2), which ends at descriptor 1024.
  maxFlows: 1_000,
  isHelper: (argv) => argv.includes('--firewall'),
  start: async (lab) => {
    const child = lab.client.spawn([
      'sshuttle',
      '-e',
      ['ssh', ...sshOptions(lab)].join(' '),
      '-r',
      REMOTE,
      '--method',
      'nft',
      ADDRESSES.network,
    ]);
    await child.untilOutput(/Connected to server/, 15_000);
    return { endpoint: CAPTURED_ENDPOINT, stop: () => stopChild(child) };
  },
};

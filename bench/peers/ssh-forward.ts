import { ADDRESSES, DESTINATION_PORT } from '../lab/bench-lab.ts';
import { type Peer, REMOTE, sshOptions, startListening, stopChild } from './peer.ts';

const LOCAL_PORT = 7100;

/** `ssh -L`: one port of one destination. The reference of every ratio. */
export const sshForward: Peer = {
  name: 'ssh-L',
  seenAs: ADDRESSES.bastionInner,
  maxFlows: 10_000,
  isHelper: () => false,
  start: async (lab) => {
    const forward = `127.0.0.1:${LOCAL_PORT}:${ADDRESSES.destination}:${DESTINATION_PORT}`;
    const ssh = await startListening(
      lab,
      ['ssh', '-N', '-L', forward, ...sshOptions(lab), REMOTE],
      LOCAL_PORT,
    );
    return { endpoint: { address: '127.0.0.1', port: LOCAL_PORT }, stop: () => stopChild(ssh) };
  },
};

import { ADDRESSES, type BenchLab, DESTINATION_PORT } from '../lab/bench-lab.ts';
import { type Peer, REMOTE, sshOptions, startListening, stopChild } from './peer.ts';

const LOCAL_PORT = 7100;

const FORWARD = `127.0.0.1:${LOCAL_PORT}:${ADDRESSES.destination}:${DESTINATION_PORT}`;

function command(lab: BenchLab): readonly string[] {
  return ['ssh', '-N', '-L', FORWARD, ...sshOptions(lab), REMOTE];
}

/** `ssh -L`: one port of one destination. The reference of every ratio. */
export const sshForward: Peer = {
  name: 'ssh-L',
  seenAs: ADDRESSES.bastionInner,
  maxFlows: 10_000,
  isHelper: () => false,
  command,
  start: async (lab) => {
    const ssh = await startListening(lab, command(lab), LOCAL_PORT);
    return { endpoint: { address: '127.0.0.1', port: LOCAL_PORT }, stop: () => stopChild(ssh) };
  },
};

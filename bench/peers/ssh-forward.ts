import { ADDRESSES, type BenchLab, DESTINATION_PORT } from '../lab/bench-lab.ts';
import { type Encryption, type Peer, REMOTE, sshOptions, startListening, stopChild } from './peer.ts';

const LOCAL_PORT = 7100;

const FORWARD = `127.0.0.1:${LOCAL_PORT}:${ADDRESSES.destination}:${DESTINATION_PORT}`;

/** `ssh -L`: one port of one destination. */
export function sshForwardWith(name: string, encryption?: Encryption): Peer {
  const command = (lab: BenchLab): readonly string[] => [
    ...['ssh', '-N', '-L', FORWARD],
    ...sshOptions(lab, encryption),
    REMOTE,
  ];
  return {
    name,
    seenAs: ADDRESSES.bastionInner,
    maxFlows: 10_000,
    isHelper: () => false,
    command,
    start: async (lab) => {
      const ssh = await startListening(lab, command(lab), LOCAL_PORT);
      return { endpoint: { address: '127.0.0.1', port: LOCAL_PORT }, stop: () => stopChild(ssh) };
    },
  };
}

/** The reference of every ratio. */
export const sshForward = sshForwardWith('ssh-L');

import { join } from 'node:path';
import { ADDRESSES, type BenchLab } from '../lab/bench-lab.ts';
import { CAPTURED_ENDPOINT, CIPHER, type Peer, REMOTE, stopChild } from './peer.ts';

const READY = /^tshuttle: .* through /m;

/** A checkout's own bin/tshuttle. */
export function tshuttle(name: string, checkout: string, options: readonly string[] = []): Peer {
  const command = (lab: BenchLab): readonly string[] => [
    process.execPath,
    join(checkout, 'bin/tshuttle'),
    ...['-r', REMOTE, '-i', lab.sshd.userKey],
    ...['-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`, '-o', `Ciphers=${CIPHER}`],
    ...options,
    ADDRESSES.network,
  ];
  return {
    name,
    seenAs: ADDRESSES.bastionInner,
    maxFlows: 10_000,
    isHelper: (argv) => argv.some((word) => /tshuttle-helper|intercept\/helper\//.test(word)),
    command,
    start: async (lab) => {
      const child = lab.client.spawn(command(lab));
      await child.untilOutput(READY, 15_000);
      return { endpoint: CAPTURED_ENDPOINT, stop: () => stopChild(child) };
    },
  };
}

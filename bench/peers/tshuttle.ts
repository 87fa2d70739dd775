import { join } from 'node:path';
import { ADDRESSES, type BenchLab, NEIGHBOUR_INTERFACE } from '../lab/bench-lab.ts';
import { REPOSITORY } from '../lab/compile.ts';
import {
  CAPTURED_ENDPOINT,
  CIPHER,
  type Encryption,
  encryptionOptions,
  type Peer,
  REMOTE,
  stopChild,
} from './peer.ts';

const READY = /^tshuttle: .* through /m;

/** How one is started beside what all have in common. */
export interface TshuttleStart {
  readonly options?: readonly string[];
  readonly encryption?: Encryption;
  /** As where npm has not built the native code of ssh2, which is the rule. */
  readonly withoutNativeCode?: boolean;
  /** Has applications run at the client's neighbour. */
  readonly forNeighbour?: boolean;
}

const WITHOUT_NATIVE_CODE = join(REPOSITORY, 'bench/peers/without-native-code.cjs');

/** A checkout's own bin/tshuttle. */
export function tshuttle(
  name: string,
  checkout: string,
  {
    options = [],
    encryption = { cipher: CIPHER },
    withoutNativeCode = false,
    forNeighbour = false,
  }: TshuttleStart = {},
): Peer {
  const command = (lab: BenchLab): readonly string[] => [
    process.execPath,
    ...(withoutNativeCode ? ['--require', WITHOUT_NATIVE_CODE] : []),
    join(checkout, 'bin/tshuttle'),
    ...['-r', REMOTE, '-i', lab.sshd.userKey],
    ...['-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`, ...encryptionOptions(encryption)],
    ...(forNeighbour ? ['--also-from', NEIGHBOUR_INTERFACE] : []),
    ...options,
    ADDRESSES.network,
  ];
  return {
    name,
    seenAs: ADDRESSES.bastionInner,
    maxFlows: 10_000,
    isHelper: (argv) => argv.some((word) => /tshuttle-helper|intercept\/helper\//.test(word)),
    ...(forNeighbour ? { applicationsIn: (lab: BenchLab) => lab.neighbour } : {}),
    command,
    start: async (lab) => {
      const child = lab.client.spawn(command(lab));
      await child.untilOutput(READY, 15_000);
      return { endpoint: CAPTURED_ENDPOINT, stop: () => stopChild(child) };
    },
  };
}

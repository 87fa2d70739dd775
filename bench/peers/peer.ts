import type { Namespace } from '../../test/support/lab/namespace.ts';
import type { Child } from '../../test/support/process/child.ts';
import { until } from '../../test/support/process/until.ts';
import { ADDRESSES, type BenchLab, DESTINATION_PORT } from '../lab/bench-lab.ts';
import type { LoadEndpoint } from '../load/load.ts';

/** A way from the client to the destination: one of the programs that the bench compares. */
export interface Peer {
  /** On the command line and in results. */
  readonly name: string;
  /** The client's address that the destination must see: proof that the traffic takes this way. */
  readonly seenAs: string;
  /** Flows that it is able to hold open; more are not tried. */
  readonly maxFlows: number;
  /** Where its applications run; the client when left out. */
  applicationsIn?(lab: BenchLab): Namespace;
  /** What starts it in the client, where it is one program. */
  command?(lab: BenchLab): readonly string[];
  /** Starts it in the client. The lab is cleared afterwards, whatever it leaves. */
  start(lab: BenchLab): Promise<RunningPeer>;
  /** Whether a process of it is privileged by-play that carries no traffic. */
  isHelper(argv: readonly string[]): boolean;
}

/** A peer that carries traffic. */
interface RunningPeer {
  readonly endpoint: LoadEndpoint;
  stop(): Promise<void>;
}

/** What encrypts an ssh connection. */
export interface Encryption {
  /** What agrees on its keys, where the program's own choice is not meant. */
  readonly keyExchange?: string;
  readonly cipher: string;
  /** Where the cipher does not authenticate by itself. */
  readonly mac?: string;
}

/** That of every ssh connection but in `ciphers`, so that ratios compare programs. */
export const CIPHER = 'aes128-gcm@openssh.com';

/** What ssh and tshuttle have to be told for it. */
export function encryptionOptions({ keyExchange, cipher, mac }: Encryption): readonly string[] {
  const options = { KexAlgorithms: keyExchange, Ciphers: cipher, MACs: mac };
  return Object.entries(options).flatMap(([keyword, value]) =>
    value === undefined ? [] : ['-o', `${keyword}=${value}`],
  );
}

/** Where applications connect when the peer captures connections to the destination. */
export const CAPTURED_ENDPOINT: LoadEndpoint = { address: ADDRESSES.destination, port: DESTINATION_PORT };

/** Options of OpenSSH's client for the lab's bastion; nothing of the machine's own configuration. */
export function sshOptions(lab: BenchLab, encryption: Encryption = { cipher: CIPHER }): string[] {
  const options = [`UserKnownHostsFile=${lab.sshd.knownHosts}`, 'BatchMode=yes', 'ExitOnForwardFailure=yes'];
  return [
    '-F',
    '/dev/null',
    '-i',
    lab.sshd.userKey,
    ...encryptionOptions(encryption),
    ...options.flatMap((option) => ['-o', option]),
  ];
}

/** The account at the bastion. */
export const REMOTE = `root@${ADDRESSES.bastion}`;

/** Starts a program that says nothing when it is ready, and waits until it listens. */
export async function startListening(lab: BenchLab, argv: readonly string[], port: number): Promise<Child> {
  const child = lab.client.spawn(argv);
  await until(
    async () => {
      if (!child.isRunning) throw new Error(`${argv[0]} ended: ${child.stderr}`);
      return (await lab.client.must(['ss', '-Hltn', 'sport', '=', `:${port}`])).trim() !== '';
    },
    { deadlineMs: 15_000, what: () => `${argv[0]} listening on ${port}: ${child.stderr}` },
  );
  return child;
}

/** Ends a program as a service manager does; the lab's clearing ends it for certain. */
export async function stopChild(child: Child): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await child.exited;
  clearTimeout(timer);
}

import type { BenchLab } from '../lab/bench-lab.ts';
import type { CongestionControl, PathName } from '../lab/paths.ts';
import type { Load } from '../load/load.ts';
import type { Peer } from '../peers/peer.ts';
import type { Metric } from '../report/result.ts';

/** How much time the bench has. */
export type Pace = 'full' | 'quick';

/** One visit of a scenario to one peer, freshly started and shown to work. */
export interface Visit {
  readonly lab: BenchLab;
  readonly peer: Peer;
  readonly load: Load;
  readonly pace: Pace;
  /** Ends the peer as a service manager does. Idempotent. */
  stop(): Promise<void>;
  /** Counts from 0; the same for all peers of a round. */
  readonly run: number;
  /** Keeps the raw values of one metric; several values are those of single requests. */
  record(metric: Metric, values: readonly number[]): void;
}

/** Something worth measuring. */
export interface Scenario {
  /** On the command line and in results. */
  readonly name: string;
  readonly title: string;
  readonly path: PathName;
  readonly congestionControl: CongestionControl;
  /** `newer`: OpenSSH 9.9 or later is the bastion's, also where this machine's own is older. */
  readonly sshd?: 'newer';
  /** Peers it is interesting for, by name; what is added on the command line takes part everywhere. */
  readonly peers: Readonly<Record<Pace, readonly string[]>>;
  /** Rounds when nothing else is asked; 0 leaves it out. */
  readonly runs: Readonly<Record<Pace, number>>;
  /** Bytes of the check, both ways, that precedes every visit. */
  readonly checkedBytes: number;
  measure(visit: Visit): Promise<void>;
}

/** The peers that every scenario is about. */
export const ALL_PEERS = ['raw', 'ssh-L', 'redsocks', 'sshuttle', 'tshuttle'] as const;

/** tshuttle with the ssh of this machine, by its two ways: for what both programs have a share in. */
export const OPENSSH_PEERS = ['tshuttle-handover', 'tshuttle-socks'] as const;

/** tshuttle by another method, and for another machine: for how connections come to it. */
export const CAPTURE_PEERS = ['tshuttle-tproxy', 'tshuttle-also-from'] as const;

/** `tshuttle --connections 4`: only where one connection is what limits. */
export const TSHUTTLE_4 = 'tshuttle-4';

export const MEBIBYTE = 1024 * 1024;

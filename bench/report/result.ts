/** What a value means. */
export interface Metric {
  /** Within its scenario. */
  readonly name: string;
  readonly unit:
    | ('Gbit/s' | 'Mbit/s' | 's/GiB' | '1/s' | 'ms' | 's' | '%')
    | ('MiB' | 'kB' | 'flows' | 'queries' | 'checks' | 'files' | 'packages' | 'descriptors' | 'timers');
  readonly better: 'more' | 'less';
}

/** The raw values of one metric, one peer and one round. */
export interface Sample extends Metric {
  readonly scenario: string;
  readonly peer: string;
  /** Counts from 0. Samples of one run and scenario were taken within minutes, one peer after the other. */
  readonly run: number;
  /** Which in its round this peer was, from 0. */
  readonly order: number;
  readonly startedAt: string;
  /** Share of this machine's CPUs, 0 to 1, that others used during the visit. */
  readonly foreignCpuShare: number;
  /** One value, or those of single requests in the order in which they were made. */
  readonly values: readonly number[];
}

/** A visit that gave no, or not all, samples. */
export interface Failure {
  readonly scenario: string;
  readonly peer: string;
  readonly run: number;
  readonly message: string;
}

/** One peer as it was measured. */
export interface PeerDescription {
  readonly name: string;
  readonly version: string;
  /** tshuttle only: whether ssh2's native crypto is there. */
  readonly nativeCrypto?: boolean;
}

/** Scenarios as they were measured. */
interface ScenarioDescription {
  readonly name: string;
  readonly title: string;
  readonly path: string;
  readonly congestionControl: string;
  readonly runs: number;
}

/** Everything one run of the bench has found; results/schema.json says the same for other programs. */
export interface BenchResult {
  readonly schema: 'tshuttle-bench/1';
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly pace: 'full' | 'quick';
  readonly commit: string;
  /** Whether the checkout had changes that are in no commit. */
  readonly hasUncommittedChanges: boolean;
  readonly cipher: string;
  readonly machine: {
    readonly kernel: string;
    readonly cpu: string;
    readonly cpus: number;
    readonly memoryMiB: number;
    readonly maxFiles: number;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly peers: readonly PeerDescription[];
  readonly scenarios: readonly ScenarioDescription[];
  readonly samples: readonly Sample[];
  readonly failures: readonly Failure[];
}

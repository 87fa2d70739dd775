import type { BenchResult, Sample } from '../../../bench/report/result.ts';

/** One sample; a throughput of 1 Gbit/s of ssh-L in round 0 where nothing else is said. */
export function sample(overrides: Partial<Sample> = {}): Sample {
  return {
    scenario: 'throughput',
    peer: 'ssh-L',
    run: 0,
    order: 0,
    name: 'one flow down',
    unit: 'Gbit/s',
    better: 'more',
    startedAt: '2026-11-22T12:00:00.000Z',
    foreignCpuShare: 0,
    values: [1],
    ...overrides,
  };
}

/** A whole result around some samples. */
export function resultOf(samples: readonly Sample[]): BenchResult {
  return {
    schema: 'tshuttle-bench/1',
    startedAt: '2026-11-22T12:00:00.000Z',
    finishedAt: '2026-11-22T12:10:00.000Z',
    pace: 'full',
    commit: '0123456789abcdef0123456789abcdef01234567',
    hasUncommittedChanges: false,
    cipher: 'aes128-gcm@openssh.com',
    machine: { kernel: '6.1.0', cpu: 'a CPU', cpus: 2, memoryMiB: 4096, maxFiles: 20_000 },
    versions: { node: '20.11.0', openssh: 'OpenSSH_9.2p1' },
    peers: [
      { name: 'ssh-L', version: 'OpenSSH_9.2p1' },
      { name: 'tshuttle', version: '0.1.0 (012345678)', nativeCrypto: false },
    ],
    scenarios: [
      { name: 'throughput', title: 'Throughput', path: 'veth', congestionControl: 'reno', runs: 2 },
    ],
    samples,
    failures: [],
  };
}

import { join } from 'node:path';
import { missingForLab } from '../test/support/lab/requirements.ts';
import { ADDRESSES, CAPTURED_NAMESERVER, createBenchLab } from './lab/bench-lab.ts';
import { REPOSITORY } from './lab/compile.ts';
import { layPath } from './lab/paths.ts';
import {
  describeCommit,
  describeMachine,
  describeTshuttle,
  describeVersions,
} from './measure/surroundings.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { CIPHER_PEERS } from './peers/ciphers.ts';
import { KEY_EXCHANGE_PEERS } from './peers/key-exchanges.ts';
import { CIPHER, type Peer } from './peers/peer.ts';
import { raw } from './peers/raw.ts';
import { redsocks } from './peers/redsocks.ts';
import { sshForward } from './peers/ssh-forward.ts';
import { sshuttle } from './peers/sshuttle.ts';
import { type TshuttleStart, tshuttle } from './peers/tshuttle.ts';
import { TSHUTTLE_BY_PROFILE } from './peers/tshuttle-profile.ts';
import { Progress } from './progress.ts';
import type { BenchResult, Failure, PeerDescription, Sample } from './report/result.ts';
import { writeReport } from './report/write-report.ts';
import { SCENARIOS } from './scenarios/all-scenarios.ts';
import { TSHUTTLE_DNS } from './scenarios/names.ts';
import { ALL_PEERS, CAPTURE_PEERS, OPENSSH_PEERS, TSHUTTLE_4 } from './scenarios/scenario.ts';
import { type PlannedScenario, planVisits } from './schedule.ts';
import { makeVisit } from './visit.ts';

const known = {
  scenarios: SCENARIOS.map(({ name }) => name),
  peers: [
    ...ALL_PEERS,
    ...OPENSSH_PEERS,
    ...CAPTURE_PEERS,
    TSHUTTLE_4,
    TSHUTTLE_DNS,
    TSHUTTLE_BY_PROFILE.name,
    ...CIPHER_PEERS.map(({ name }) => name),
    ...KEY_EXCHANGE_PEERS.map(({ name }) => name),
  ],
};

function peersFor(options: BenchOptions): Peer[] {
  return [
    raw,
    sshForward,
    redsocks,
    sshuttle,
    tshuttle('tshuttle', REPOSITORY, { options: options.tshuttleOptions }),
    ...OPENSSH_PEERS.map((name) =>
      tshuttle(name, REPOSITORY, { options: [...options.tshuttleOptions, ...opensshOptions(name)] }),
    ),
    ...CAPTURE_PEERS.map((name) => tshuttle(name, REPOSITORY, captureStart(name, options.tshuttleOptions))),
    tshuttle(TSHUTTLE_4, REPOSITORY, { options: ['--connections', '4', ...options.tshuttleOptions] }),
    tshuttle(TSHUTTLE_DNS, REPOSITORY, { options: [...RESOLVING, ...options.tshuttleOptions] }),
    TSHUTTLE_BY_PROFILE,
    ...CIPHER_PEERS,
    ...KEY_EXCHANGE_PEERS,
    ...options.checkouts.map(({ name, path }) => tshuttle(name, path, { options: options.tshuttleOptions })),
  ];
}

const RESOLVING = ['--ns-hosts', CAPTURED_NAMESERVER, '--to-ns', ADDRESSES.destination];

function opensshOptions(peer: (typeof OPENSSH_PEERS)[number]): readonly string[] {
  const carry = peer === 'tshuttle-handover' ? 'handover' : 'socks';
  return ['--transport', 'openssh', '--openssh-carry', carry];
}

function captureStart(peer: (typeof CAPTURE_PEERS)[number], options: readonly string[]): TshuttleStart {
  return peer === 'tshuttle-tproxy'
    ? { options: ['--method', 'tproxy', ...options] }
    : { options, forNeighbour: true };
}

async function measureAll(
  options: BenchOptions,
  plan: readonly PlannedScenario[],
  peers: readonly Peer[],
): Promise<Pick<BenchResult, 'samples' | 'failures'>> {
  const samples: Sample[] = [];
  const failures: Failure[] = [];
  const progress = new Progress(plan.reduce((sum, { visits }) => sum + visits.length, 0));
  await using lab = await createBenchLab();
  for (const { scenario, visits } of plan) {
    progress.title(scenario.title);
    await lab.useSshd(scenario.sshd ?? 'own');
    const path = await layPath(lab, scenario.path, scenario.congestionControl);
    const context = { lab, pace: options.pace, linkPid: path.pid };
    for (const planned of visits) {
      const peer = peers.find(({ name }) => name === planned.peer);
      if (peer === undefined) continue; // the options were checked
      progress.begin(peer.name, planned.run);
      const outcome = await makeVisit(context, scenario, peer, planned);
      progress.end(outcome);
      samples.push(...outcome.samples);
      const message = outcome.failure;
      if (message === undefined) continue;
      failures.push({ scenario: scenario.name, peer: peer.name, run: planned.run, message });
    }
    await path.remove();
  }
  return { samples, failures };
}

/** Only a whole run replaces the published results; bench/dist is in no commit. */
function resultsFolderOf(options: BenchOptions): string {
  if (options.resultsFolder !== undefined) return options.resultsFolder;
  const isWhole = options.pace === 'full' && options.scenarios.length === 0 && options.peers === undefined;
  return join(REPOSITORY, isWhole ? 'bench/results' : 'bench/dist/results');
}

function describePeers(
  plan: readonly PlannedScenario[],
  options: BenchOptions,
  versions: Readonly<Record<string, string>>,
): PeerDescription[] {
  const used = new Set(plan.flatMap(({ visits }) => visits.map(({ peer }) => peer)));
  const openssh = versions['openssh'] ?? '';
  const all: PeerDescription[] = [
    { name: 'raw', version: 'the kernel' },
    { name: 'ssh-L', version: openssh },
    { name: 'redsocks', version: `${versions['redsocks']}, ${openssh}` },
    { name: 'sshuttle', version: `${versions['sshuttle']}, ${openssh}` },
    describeTshuttle('tshuttle', REPOSITORY),
    ...[...OPENSSH_PEERS, ...CAPTURE_PEERS].map((name) => describeTshuttle(name, REPOSITORY)),
    ...[TSHUTTLE_4, TSHUTTLE_DNS, TSHUTTLE_BY_PROFILE.name].map((name) => describeTshuttle(name, REPOSITORY)),
    ...CIPHER_PEERS.map(({ name }) =>
      name.startsWith('ssh-L')
        ? { name, version: openssh }
        : {
            ...describeTshuttle(name, REPOSITORY),
            ...(name.startsWith('plain-') ? { nativeCrypto: false } : {}),
          },
    ),
    ...KEY_EXCHANGE_PEERS.map(({ name }) => describeTshuttle(name, REPOSITORY)),
    ...options.checkouts.map(({ name, path }) => describeTshuttle(name, path)),
  ];
  return all.filter(({ name }) => used.has(name));
}

async function bench(options: BenchOptions): Promise<number> {
  const startedAt = new Date().toISOString();
  const plan = planVisits(SCENARIOS, options);
  // Before it all: somebody may go on working in the checkout meanwhile.
  const versions = await describeVersions(REPOSITORY);
  const peers = describePeers(plan, options, versions);
  const commit = describeCommit(REPOSITORY);
  const { samples, failures } = await measureAll(options, plan, peersFor(options));
  const result: BenchResult = {
    schema: 'tshuttle-bench/1',
    startedAt,
    finishedAt: new Date().toISOString(),
    pace: options.pace,
    ...commit,
    cipher: CIPHER,
    machine: describeMachine(),
    versions,
    peers,
    scenarios: plan.map(({ scenario, runs }) => ({
      name: scenario.name,
      title: scenario.title,
      path: scenario.path,
      congestionControl: scenario.congestionControl,
      runs,
    })),
    samples,
    failures,
  };
  const written = await writeReport(result, resultsFolderOf(options));
  console.log(`\n${written.markdown}`);
  for (const file of written.files) console.log(`wrote ${file}`);
  return failures.some(({ peer }) => peer.startsWith('tshuttle')) ? 1 : 0;
}

async function main(): Promise<void> {
  // The namespaces and what runs in them go in 'exit' listeners.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(130));
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions(process.argv.slice(2), known);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exitCode = 64;
    return;
  }
  if (options === 'help') console.log(USAGE);
  else if (options === 'list') {
    for (const { name, title } of SCENARIOS) console.log(`${name.padEnd(18)}${title}`);
    console.log(`peers: ${known.peers.join(', ')}`);
  } else {
    const missing = missingForLab();
    if (missing === undefined) process.exitCode = await bench(options);
    else {
      console.error(missing.replace('the lab', 'the bench'));
      process.exitCode = 1;
    }
  }
}

await main();

import { setTimeout as delay } from 'node:timers/promises';
import { descriptorsOf, resourcesOf } from '../../test/support/process/resources.ts';
import { type BenchLab, CAPTURED_NAMESERVER } from '../lab/bench-lab.ts';
import { type AskResolver, withResolver } from '../load/resolver.ts';
import { type ProcessState, processesOf } from '../measure/processes.ts';
import { reload, resourcesFile, TSHUTTLE_PROFILE } from '../peers/tshuttle-profile.ts';
import type { Metric } from '../report/result.ts';
import { MEBIBYTE, type Scenario, type Visit } from './scenario.ts';

/** What a day has, in some ten minutes. */
const ROUNDS = { full: 200, quick: 10 } as const;
const FLOWS_A_ROUND = 10_000;
const AT_ONCE = 50;
const ROUND_SECONDS = 60;
const QUERIES_PER_SECOND = 500;
/** How often it is looked what is held, and how often all of this stands still meanwhile, as while a lid is closed. */
const LOOK_EVERY = 10;
const SLEEP_EVERY = 20;
const SLEEP_MS = 4_000;
/** What is in the air after a round is gone then: flows that end, and connections to a nameserver, which are kept for 10 s. */
const SETTLE_MS = 12_000;

/** What is held at one moment. */
type Held = Readonly<Record<string, { readonly unit: Metric['unit']; readonly value: number }>>;

/**
 * A tunnel that is used for long: short flows, connections to the bastion that are killed, profiles that change, queries, sleeps. What it holds must
 * be no more at the end than after the first rounds.
 */
export const soak: Scenario = {
  name: 'soak',
  title: 'Used for long',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: [TSHUTTLE_PROFILE], quick: [TSHUTTLE_PROFILE] },
  // Too long for a run of everything; the one that is named has one round.
  runs: { full: 0, quick: 0 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    // The kernel keeps what has ended for 2 minutes, and has no room for so much.
    await visit.lab.client.must(['sysctl', '-qw', 'net.netfilter.nf_conntrack_tcp_timeout_time_wait=1']);
    await withResolver(visit.lab, CAPTURED_NAMESERVER, (ask) => useForLong(visit, ask));
  },
};

async function useForLong(visit: Visit, ask: AskResolver): Promise<void> {
  const { lab, load } = visit;
  const rounds = ROUNDS[visit.pace];
  const lost = { flows: 0, queries: 0 };
  const looks: Held[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await killSessions(lab);
    // Those that begin now wait for the next connection.
    lost.flows += (await load.rate(FLOWS_A_ROUND, AT_ONCE, ROUND_SECONDS)).lost;
    await reload(lab, round);
    if (round % 2 === 0) lost.queries += (await ask(QUERIES_PER_SECOND, 1)).lost;
    if (round % SLEEP_EVERY === 0) await sleep(visit);
    if (round % LOOK_EVERY === 0 || round === 1) looks.push(await look(visit));
  }
  visit.record({ name: 'flows', unit: 'flows', better: 'more' }, [rounds * FLOWS_A_ROUND]);
  visit.record({ name: 'lost flows', unit: 'flows', better: 'less' }, [lost.flows]);
  visit.record({ name: 'lost queries', unit: 'queries', better: 'less' }, [lost.queries]);
  for (const [name, { unit }] of Object.entries(looks[0] ?? {})) {
    const values = looks.map((held) => held[name]!.value);
    // What a process holds after its first flows is no part of what grows.
    visit.record({ name: `${name}, after ${LOOK_EVERY} rounds`, unit, better: 'less' }, [values[1]!]);
    visit.record({ name: `${name}, at most`, unit, better: 'less' }, [Math.max(...values)]);
    visit.record({ name: `${name}, at the end`, unit, better: 'less' }, [values.at(-1)!]);
  }
}

/** As when the bastion is started anew, or somebody's firewall has forgotten the connection. */
async function killSessions(lab: BenchLab): Promise<void> {
  const sessions = (await processesOf(lab.bastion)).filter(({ argv }) => argv[0]?.startsWith('sshd: root'));
  for (const { pid } of sessions) process.kill(pid, 'SIGKILL');
}

async function sleep(visit: Visit): Promise<void> {
  const processes = await processesOf(visit.lab.client);
  for (const { pid } of processes) process.kill(pid, 'SIGSTOP');
  await delay(SLEEP_MS);
  for (const { pid } of processes) process.kill(pid, 'SIGCONT');
}

async function look(visit: Visit): Promise<Held> {
  const { lab, peer } = visit;
  await delay(SETTLE_MS);
  const processes = await processesOf(lab.client);
  const isHelper = ({ argv }: ProcessState) => peer.isHelper(argv);
  const [main] = processes.filter((one) => !isHelper(one));
  const [helper] = processes.filter(isHelper);
  if (main === undefined || helper === undefined) throw new Error('it has ended');
  const { active, bytes } = await resourcesOf(resourcesFile(lab), main.pid);
  const tracked = Number(await lab.client.must(['conntrack', '--count']));
  return {
    'RSS, client': { unit: 'MiB', value: main.residentBytes / MEBIBYTE },
    'RSS, helper': { unit: 'MiB', value: helper.residentBytes / MEBIBYTE },
    'what a collection leaves, client': { unit: 'MiB', value: bytes / MEBIBYTE },
    'descriptors, client': { unit: 'descriptors', value: await descriptorsOf(main.pid) },
    'descriptors, helper': { unit: 'descriptors', value: await descriptorsOf(helper.pid) },
    'timers, client': { unit: 'timers', value: active['Timeout'] ?? 0 },
    'connections that the kernel tracks': { unit: 'flows', value: tracked },
  };
}

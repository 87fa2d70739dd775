import { until } from '../test/support/process/until.ts';
import type { BenchLab } from './lab/bench-lab.ts';
import { Load } from './load/load.ts';
import { startForeignCpuMeter } from './measure/cpu-meter.ts';
import type { Peer } from './peers/peer.ts';
import type { Metric, Sample } from './report/result.ts';
import type { Pace, Scenario } from './scenarios/scenario.ts';
import type { PlannedVisit } from './schedule.ts';

const CHECK_TIMEOUT_MS = 20_000;
const DECIMALS = 4;

/** What a visit has given: its samples, also those taken before it failed. */
export interface VisitOutcome {
  readonly samples: readonly Sample[];
  readonly failure: string | undefined;
}

/** What visits share. */
export interface VisitContext {
  readonly lab: BenchLab;
  readonly pace: Pace;
  /** The link emulator's process. */
  readonly linkPid: number | undefined;
}

/**
 * Starts a peer, checks that traffic takes its way and arrives unchanged, measures, and removes all of it.
 *
 * A failure is an outcome: the bench goes on.
 */
export async function makeVisit(
  context: VisitContext,
  scenario: Scenario,
  peer: Peer,
  planned: PlannedVisit,
): Promise<VisitOutcome> {
  const { lab } = context;
  const startedAt = new Date().toISOString();
  const taken: Array<Metric & { readonly values: readonly number[] }> = [];
  const foreign = await startForeignCpuMeter(lab, context.linkPid);
  let failure: string | undefined;
  try {
    const running = await peer.start(lab);
    const load = new Load(lab, running.endpoint, peer.applicationsIn?.(lab));
    await checkWay(peer, load, scenario.checkedBytes);
    await scenario.measure({
      lab,
      peer,
      load,
      pace: context.pace,
      stop: () => running.stop(),
      run: planned.run,
      record: (metric, values) => {
        if (values.length === 0 || !values.every(Number.isFinite))
          throw new Error(`${metric.name}: no value`);
        taken.push({ ...metric, values: values.map((value) => Number(value.toFixed(DECIMALS))) });
      },
    });
    await running.stop();
  } catch (error) {
    failure = shorten(error instanceof Error ? error.message : String(error));
  }
  const foreignCpuShare = Number((await foreign.stop()).toFixed(2));
  await lab.clear();
  await lab.bastion.must(['sysctl', '-qw', 'net.ipv4.ip_forward=0']);
  const samples = taken.map(({ name, unit, better, values }) => ({
    scenario: scenario.name,
    peer: peer.name,
    run: planned.run,
    order: planned.order,
    name,
    unit,
    better,
    startedAt,
    foreignCpuShare,
    values,
  }));
  return { samples, failure };
}

/** What a program has said is worth more than the command line it was started with. */
function shorten(message: string): string {
  const said = /\nstdout: ([\s\S]*)\nstderr: ([\s\S]*)$/.exec(message);
  return said === null ? message : `${said[1]}${said[2]}`.trim() || message;
}

async function checkWay(peer: Peer, load: Load, bytes: number): Promise<void> {
  // Some say that they are ready a moment before they are.
  const result = await until(() => load.verify(bytes, CHECK_TIMEOUT_MS).catch(() => undefined), {
    deadlineMs: CHECK_TIMEOUT_MS,
    what: `a checked transfer through ${peer.name}`,
  });
  if (!result.down || !result.up) throw new Error(`changed the bytes: ${JSON.stringify(result)}`);
  if (result.seenAs !== peer.seenAs) {
    throw new Error(`the traffic takes another way: seen as ${result.seenAs}, not ${peer.seenAs}`);
  }
}

import { localOverlaps } from '../../../app/keep-up/overlap-warnings.ts';
import type { RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import type { Config } from '../../../config/config.ts';
import { systemSearchRules } from '../../../dns/system/search-domains.ts';
import { formatHostPort, type HostPort } from '../../../net/address/endpoint.ts';
import { type BastionCheckContext, checkBastion } from './bastion-checks.ts';
import { type Finding, problem, untried } from './finding.ts';
import { checkMachine } from './machine-checks.ts';
import { checkNames } from './name-checks.ts';
import { checkTunnels, tryThroughTunnels } from './tunnel-checks.ts';

/** Dependencies of {@link examine}. */
export interface ExamineContext extends BastionCheckContext {
  /** Checked. */
  readonly running: RunningTunnels;
}

/** What {@link examine} is to try beside the bastion. */
export interface ExaminedDestinations {
  readonly destinations: readonly HostPort[];
  /** Hosts that were named without a port, where nothing can be tried. */
  readonly withoutPort: readonly string[];
  /** The tunnel that is up and carries to them, where that was named or nothing: then nobody logs in anew. */
  readonly by: 'a login' | 'tunnels that are up';
  /** The only tunnel that is asked about; left out: all that are up. */
  readonly tunnel?: string | undefined;
}

/**
 * Looks at the machine, the tunnels that run, and then, where one is named, at the bastion and the destinations. Says of
 * each destination whether it was tried.
 *
 * @param config undefined looks at the machine only
 */
export async function* examine(
  config: Config | undefined,
  { destinations, withoutPort, by, tunnel }: ExaminedDestinations,
  context: ExamineContext,
): AsyncGenerator<Finding> {
  const machine = { ...context, canAsk: context.prompter.available };
  const { running, signal, onStep } = context;
  onStep?.('looking at this machine');
  yield* checkMachine(config, machine);
  const reports = running.all.map(({ report }) => report);
  yield* checkTunnels(tunnel === undefined ? reports : reports.filter(({ name }) => name === tunnel));
  for (const host of withoutPort) {
    const what = `${host}: not tried, because it has no port`;
    const place = by === 'a login' ? '-r BASTION ' : tunnel === undefined ? '' : `${tunnel} `;
    yield untried('destination', what, `name the port too, as in tshuttle doctor ${place}${host}:443`);
  }
  if (by === 'tunnels that are up') {
    for (const destination of destinations) {
      onStep?.(`trying ${formatHostPort(destination.host, destination.port)}`);
      yield await tryThroughTunnels(destination, running.all, signal);
    }
    return;
  }
  if (config === undefined) {
    for (const { host, port } of destinations) {
      const where = formatHostPort(host, port);
      const what = `${where}: not tried, because no bastion was named`;
      yield untried('destination', what, `tshuttle doctor -r BASTION ${where}, or the name of a profile`);
    }
    return;
  }
  for (const overlap of localOverlaps(config))
    yield problem('networks', overlap, 'leave it out with -x, or capture less');
  yield* checkNames(config.dns, systemSearchRules());
  yield* checkBastion(config, destinations, context);
}

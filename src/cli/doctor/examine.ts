import type { Config } from '../../config/config.ts';
import type { DaemonSurroundings } from '../../daemon/paths.ts';
import { systemSearchRules } from '../../dns/search-domains.ts';
import type { HostPort } from '../../net/endpoint.ts';
import { localOverlaps } from '../overlap-warnings.ts';
import { RunningTunnels } from '../running-tunnels.ts';
import { type BastionCheckContext, checkBastion } from './bastion-checks.ts';
import { checkRunningTunnels } from './capture-checks.ts';
import { type Finding, problem } from './finding.ts';
import { checkMachine } from './machine-checks.ts';
import { checkNames } from './name-checks.ts';
import { checkRunning } from './running-checks.ts';

/** What {@link examine} needs. */
export interface ExamineContext extends BastionCheckContext {
  readonly surroundings: DaemonSurroundings;
}

/**
 * Looks at the machine, the tunnels that run, and then, where one is named, at the bastion and the destinations.
 *
 * @param config undefined looks at the machine only
 */
export async function* examine(
  config: Config | undefined,
  destinations: readonly HostPort[],
  context: ExamineContext,
): AsyncGenerator<Finding> {
  const machine = { ...context, canAsk: context.prompter.available };
  yield* checkMachine(config, machine);
  yield* checkRunningTunnels(context.surroundings);
  const running = await RunningTunnels.find(context.surroundings);
  running.close();
  yield* checkRunning(running.all.map(({ report }) => report));
  if (config === undefined) return;
  for (const overlap of localOverlaps(config))
    yield problem('networks', overlap, 'leave it out with -x, or capture less');
  yield* checkNames(config.dns, systemSearchRules());
  yield* checkBastion(config, destinations, context);
}

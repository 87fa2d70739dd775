import type { BenchOptions } from './options.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** One visit to be made. */
export interface PlannedVisit {
  readonly run: number;
  /** Which in its round, from 0. */
  readonly order: number;
  readonly peer: string;
}

/** A scenario and its visits, in the order in which they are made. */
export interface PlannedScenario {
  readonly scenario: Scenario;
  readonly runs: number;
  readonly visits: readonly PlannedVisit[];
}

/**
 * Plans the visits: all peers one after the other in every round, the order rotated from round to round, so that what
 * changes on the machine with time, and what a peer leaves behind for the next, falls on all alike.
 */
export function planVisits(
  scenarios: readonly Scenario[],
  options: Pick<BenchOptions, 'scenarios' | 'pace' | 'peers' | 'runs' | 'checkouts'>,
): PlannedScenario[] {
  const chosen = scenarios.filter(({ name }) =>
    options.scenarios.length > 0 ? options.scenarios.includes(name) : true,
  );
  return chosen
    .map((scenario) => {
      const peers = options.peers ?? [
        ...scenario.peers[options.pace],
        ...options.checkouts.map(({ name }) => name),
      ];
      // A scenario that is named is wanted, also where the pace would leave it out.
      const least = options.scenarios.length > 0 ? 1 : 0;
      const runs = Math.max(least, options.runs ?? scenario.runs[options.pace]);
      const isLeftOut = scenario.runs[options.pace] === 0 && least === 0;
      return { scenario, runs: isLeftOut ? 0 : runs, visits: isLeftOut ? [] : roundsOf(peers, runs) };
    })
    .filter(({ visits }) => visits.length > 0);
}

function roundsOf(peers: readonly string[], runs: number): PlannedVisit[] {
  return Array.from({ length: runs }, (_, run) =>
    peers.map((_, order) => ({ run, order, peer: peers[(order + run) % peers.length] as string })),
  ).flat();
}

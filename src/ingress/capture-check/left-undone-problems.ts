import type { LeftUndone } from '../../intercept/rules/left-undone.ts';
import type { CaptureProblem } from './capture-problem.ts';
import { zoneProblems } from './zone-problems.ts';

/** What is told of what the rules in force leave undone. */
export function leftUndoneProblems({ zones, udp }: LeftUndone): readonly CaptureProblem[] {
  const problems = zoneProblems(zones);
  if (udp === null) return problems;
  return [
    ...problems,
    {
      cause: 'udp-not-refused',
      what: `UDP to captured networks is not refused, and leaves directly: ${udp}`,
      remedy: 'TCP is captured all the same; --udp direct if that is what you want',
    },
  ];
}

import type { CaptureProblem } from './capture-problem.ts';

/** What is told where UDP is to be refused and cannot be. @param why as the helper says; null: it is refused, or is to leave directly */
export function udpProblems(why: string | null): readonly CaptureProblem[] {
  if (why === null) return [];
  return [
    {
      cause: 'udp-not-refused',
      what: `UDP to captured networks is not refused, and leaves directly: ${why}`,
      remedy: 'TCP is captured all the same; --udp direct if that is what you want',
    },
  ];
}

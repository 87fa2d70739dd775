import type { TunnelReport } from '../../../daemon/control/protocol.ts';
import { weaknessesOf } from '../../../ssh/agreement.ts';
import { type Finding, note, problem } from './finding.ts';

const CHECK = 'redirect rules';

type Report = Pick<TunnelReport, 'name' | 'status'>;

/** What keeps tunnels that run from capturing what they should, and what has become of their redirect rules. */
export function checkRunning(reports: readonly Report[]): Finding[] {
  return reports.flatMap((report) => [
    ...captureProblems(report),
    ...checkRules(report),
    ...checkEncryption(report),
  ]);
}

function captureProblems({ name, status }: Report): Finding[] {
  const problems = status?.captureProblems ?? [];
  return problems.map(({ what, remedy }) => problem(`tunnel ${name}`, what, remedy));
}

function checkEncryption({ name, status }: Report): Finding[] {
  const { algorithms = null } = status ?? {};
  if (algorithms === null) return [];
  return weaknessesOf(algorithms).map(({ what, remedy }) => note(`tunnel ${name}`, what, remedy));
}

function checkRules({ name, status }: Report): Finding[] {
  const { state, lastError } = status ?? {};
  const removal = lastError?.code === 'ERR_RULES_REMOVED' ? lastError : undefined;
  if (state?.kind === 'uncaptured') {
    const why = removal?.message ?? 'its root helper is being started again';
    return [
      problem(CHECK, `${name} captures nothing now: ${why}`, removal?.remedy ?? 'wait, then look again'),
    ];
  }
  return removal === undefined ? [] : [note(CHECK, `${name}: ${removal.message}`, removal.remedy)];
}

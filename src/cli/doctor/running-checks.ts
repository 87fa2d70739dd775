import type { TunnelReport } from '../../daemon/control/protocol.ts';
import { type Finding, note, problem } from './finding.ts';

const CHECK = 'redirect rules';

/** What has become of the redirect rules of tunnels that run. */
export function checkRunning(reports: readonly Pick<TunnelReport, 'name' | 'status'>[]): Finding[] {
  return reports.flatMap(({ name, status }) => {
    const { state, lastError } = status ?? {};
    const removal = lastError?.code === 'ERR_RULES_REMOVED' ? lastError : undefined;
    if (state?.kind === 'uncaptured') {
      const why = removal?.message ?? 'its root helper is being started again';
      return [
        problem(CHECK, `${name} captures nothing now: ${why}`, removal?.remedy ?? 'wait, then look again'),
      ];
    }
    return removal === undefined ? [] : [note(CHECK, `${name}: ${removal.message}`, removal.remedy)];
  });
}

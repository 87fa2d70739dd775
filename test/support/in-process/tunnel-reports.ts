import { sharedBy } from '../../../src/app/keep-up/shared-networks.ts';
import { healthOf, problemsOf, worstOf } from '../../../src/app/running-tunnels/health.ts';
import type { TunnelsNow } from '../../../src/app/running-tunnels/tunnel-views.ts';
import type { TunnelReport } from '../../../src/daemon/control/protocol.ts';
import type { TunnelStatus } from '../../../src/tunnel/status/status.ts';

/** The moment of these reports. */
export const NOW_MS = 1_800_000_000_000;

/** A tunnel with which all is well. */
export const UP: TunnelStatus = {
  state: { kind: 'up', sinceMs: NOW_MS - 7_800_000 },
  bastion: 'me@gate.example (203.0.113.7:22)',
  algorithms: null,
  roundTripMs: 12.4,
  flows: { now: 3, held: 0, total: 1_234, opened: 1_230 },
  failures: [],
  bytesUp: 1_600_000,
  bytesDown: 3_650_722_202,
  names: null,
  reconnects: 0,
  captureProblems: [],
  lastError: null,
  advice: null,
};

/** A tunnel of this name that captures these subnets; `-` before one excludes it. */
export function reportOf(
  name: string,
  status: TunnelStatus | null,
  ...subnets: readonly string[]
): TunnelReport {
  const rules = subnets.map((subnet) => ({
    action: subnet.startsWith('-') ? ('exclude' as const) : ('include' as const),
    subnet: subnet.replace('-', ''),
  }));
  const captured = rules.flatMap(({ action, subnet }) => (action === 'include' ? [subnet] : [])).join(', ');
  return {
    name,
    profileFile: null,
    bastionKey: '',
    catalogKey: null,
    programs: null,
    logFile: null,
    captured: status === null ? null : `capturing ${captured} through ${status.bastion}, by nft`,
    rules,
    ruleCount: rules.length,
    names: null,
    status,
  };
}

/** What a look at these tunnels finds. */
export function tunnelsOf(
  reports: readonly TunnelReport[],
  others: Partial<Pick<TunnelsNow, 'silent' | 'down' | 'over'>> = {},
): TunnelsNow {
  const shared = sharedBy(reports);
  const tunnels = reports.map((report, index) => ({
    ...report,
    pid: 100 + index,
    health: healthOf(report, NOW_MS),
    problems: problemsOf(report, NOW_MS),
    shares: shared.filter(({ winner, loser }) => winner === report.name || loser === report.name),
  }));
  const { silent = [], down = [], over = [] } = others;
  const health = worstOf([...tunnels.map((tunnel) => tunnel.health), ...down.map(() => 'down' as const)]);
  return { tunnels, silent, down, over, health };
}

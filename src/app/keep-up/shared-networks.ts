import { overlapsOf } from '../../config/overlaps.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import { decidingRule } from '../../net/address/capture-rule.ts';
import { canonicalAddress, familyOf } from '../../net/address/literal.ts';
import { rulesOfReport } from './same-tunnel.ts';

/**
 * Of several tunnels that capture a network, which has it: the rules of a later one are asked before those of an earlier one
 * (`OwnedPlan.order`), however narrow they are.
 */
export const WINNER = 'the tunnel that was started last gets its connections';

/** A tunnel, and what it captures. */
type Capturing = Pick<TunnelReport, 'name' | 'rules'>;

/** Says which networks several of these capture, each pair of tunnels for itself. */
export function sharedNetworks(reports: readonly Capturing[]): readonly string[] {
  return reports.flatMap((report, index) =>
    reports.slice(index + 1).flatMap((other) => {
      const claimed = rulesOfReport(other).flatMap(({ action, cidr }) =>
        action === 'include'
          ? [{ cidr, what: `is captured by ${report.name} and ${other.name}: ${WINNER}` }]
          : [],
      );
      return overlapsOf(rulesOfReport(report), claimed);
    }),
  );
}

/** Says it of one address; undefined where no more than one captures it. */
export function sharedAddress(
  host: string,
  port: number | undefined,
  reports: readonly Capturing[],
): string | undefined {
  const address = canonicalAddress(host);
  if (address === undefined) return undefined;
  const names = reports.flatMap((report) => {
    const deciding = decidingRule(rulesOfReport(report), { family: familyOf(address), address }, port);
    return deciding?.action === 'include' ? [report.name] : [];
  });
  return names.length < 2 ? undefined : `${address}: captured by ${names.join(', ')}: ${WINNER}`;
}

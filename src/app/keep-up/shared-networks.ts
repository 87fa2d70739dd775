import { type ClaimedNetwork, networksIn } from '../../config/overlaps.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import { formatCidr } from '../../net/address/cidr.ts';
import { rulesOfReport } from './same-tunnel.ts';
import { mayCompete } from './whose-connections.ts';

/**
 * Of several tunnels that capture a network, which has it: the rules of a later one are asked before those of an earlier one
 * (`OwnedPlan.order`), however narrow they are.
 */
export const WINNER = 'the tunnel that was started last gets its connections';

/** A tunnel, and what it captures. */
type Capturing = Pick<TunnelReport, 'name' | 'rules' | 'programs' | 'namespace' | 'names'>;

/** What two tunnels capture, of which one gets it; plain data, for JSON. */
export interface Shared {
  /** A network, or a zone of names. */
  readonly what: string;
  /** The tunnel that was started first, and does not get it. */
  readonly loser: string;
  readonly winner: string;
}

/**
 * What several of these capture, each pair of tunnels for itself.
 *
 * @param reports in the order in which the tunnels were started
 */
export function sharedBy(reports: readonly Capturing[]): readonly Shared[] {
  return reports.flatMap((earlier, index) =>
    reports
      .slice(index + 1)
      .filter((later) => mayCompete(earlier, later))
      .flatMap((later) =>
        [...sharedNetworks(earlier, later), ...sharedZones(earlier, later)].map((what) => ({
          what,
          loser: earlier.name,
          winner: later.name,
        })),
      ),
  );
}

function sharedNetworks(earlier: Capturing, later: Capturing): readonly string[] {
  const claimed = rulesOfReport(later).flatMap(({ action, cidr }): ClaimedNetwork[] =>
    action === 'include' ? [{ cidr, what: '' }] : [],
  );
  return networksIn(rulesOfReport(earlier), claimed).map(({ cidr }) => formatCidr(cidr));
}

function sharedZones(earlier: Capturing, later: Capturing): readonly string[] {
  const zones = later.names?.zones ?? [];
  return (earlier.names?.zones ?? []).filter((zone) => zones.includes(zone));
}

import type { RedirectIngress } from '../ingress/redirect-ingress.ts';
import type { LifeCycle } from './bastion/life-cycle.ts';
import type { ReconnectingTransport } from './bastion/reconnecting-transport.ts';
import type { FlowTable } from './flows/flow-table.ts';
import { withRules } from './status/state.ts';
import { adviceFor, latestOf, type ShownError, showAlgorithms, type TunnelStatus } from './status/status.ts';

/** The parts of a tunnel that its status is made of. */
interface StatusParts
  extends Pick<TunnelStatus, 'bastions' | 'exempt' | 'names' | 'udp' | 'captureProblems'> {
  readonly life: LifeCycle;
  readonly table: FlowTable;
  readonly transport: ReconnectingTransport;
  readonly rulesGone: RedirectIngress['rulesGone'];
  /** Beside those of the bastion. */
  readonly otherError: ShownError | undefined;
}

/** All that is shown of a tunnel, now. */
export function tunnelStatus({
  life,
  table,
  transport,
  rulesGone,
  otherError,
  ...parts
}: StatusParts): TunnelStatus {
  const { now, held, total, opened, bytesUp, bytesDown } = table.totals();
  const counts = { flows: { now, held, total, opened }, failures: table.failures() };
  const lastError = latestOf(otherError, life.outages.lastError);
  const state = withRules(life.state, rulesGone);
  return {
    state,
    bastion: transport.description,
    algorithms: showAlgorithms(transport.algorithms),
    roundTripMs: transport.roundTripMs ?? null,
    ...counts,
    bytesUp,
    bytesDown,
    ...parts,
    reconnects: life.outages.reconnects,
    lostSinceMs: life.outages.lostSinceMs ?? null,
    lastError,
    advice: adviceFor(state, lastError, counts),
  };
}

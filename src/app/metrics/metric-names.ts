import type { TunnelState } from '../../tunnel/status/state.ts';

/** What is told of a tunnel, and what each value is. The names are a contract: dashboards and alerts have them. */
export const METRICS = {
  tshuttle_build_info: '1, with the versions of tshuttle and Node.js and the system as labels',
  tshuttle_bastion_info: '1, with the bastion that is used as a label',
  tshuttle_up: '1 while the tunnel carries',
  tshuttle_state: '1 for the state that the tunnel is in, as tshuttle status has it, and 0 for the others',
  tshuttle_flows_open: 'flows that are not over, held ones among them',
  tshuttle_flows_held: 'flows that wait for the bastion',
  tshuttle_flows_total: 'flows since the start',
  tshuttle_opened_total: 'flows since the start that were ever open',
  tshuttle_failures_total: 'connections since the start that could not be carried, by cause',
  tshuttle_bytes_total: 'bytes of flows since the start, by direction: up is from this machine',
  tshuttle_names_in_use:
    'addresses that stand for names in zones and may not be given to others yet; absent without zones',
  tshuttle_names_capacity: 'addresses that there are for names in zones now; absent without zones',
  tshuttle_names_refused_total: 'queries answered SERVFAIL since the start because no address was left',
  tshuttle_udp_flows_open: 'exchanges of datagrams that are relayed; absent without --udp relay',
  tshuttle_udp_datagrams_total:
    'datagrams since the start, sent to the bastion, received from it or dropped here; absent without --udp relay',
  tshuttle_reconnects_total: 'how often the connection was lost and made again',
  tshuttle_round_trip_seconds: 'the last round trip to the bastion; absent where it is not measured',
} as const;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;

/** The states of a tunnel as a label: a fixed set. */
export const STATE_LABELS = [
  'connecting',
  'up',
  'no-rules',
  'waiting',
  'idle',
  'needs-login',
  'stopped',
] as const;

/** The label of a state. */
export function stateLabel(state: TunnelState): (typeof STATE_LABELS)[number] {
  if (state.kind === 'uncaptured') return 'no-rules';
  if (state.kind !== 'waiting') return state.kind;
  const { kind } = state.for;
  return kind === 'user' ? 'needs-login' : kind === 'parked' ? 'idle' : 'waiting';
}

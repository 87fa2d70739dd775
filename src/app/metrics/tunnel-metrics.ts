import { Counter, Gauge, Registry } from 'prom-client';
import { FAILURE_CAUSES, type TunnelStatus } from '../../tunnel/status/status.ts';
import { METRICS, type MetricName, STATE_LABELS, stateLabel } from './metric-names.ts';

/** Whose metrics they are. */
export interface MetricsOwner {
  /** Of the tunnel: a label of every metric. */
  readonly name: string;
  /** Of this program. */
  readonly version: string;
}

/** Values with their labels beside that of the tunnel. */
type Values = ReadonlyArray<readonly [labels: Readonly<Record<string, string>>, value: number]>;

/**
 * The metrics of a tunnel, for Prometheus: read anew at every scrape. Every label has a value of a fixed set, but for names of
 * tunnel, bastion and versions, of which there is one at a time.
 */
export function tunnelMetrics({ name, version }: MetricsOwner, status: () => TunnelStatus): Registry {
  const registry = new Registry();
  // The tunnel counts; this only tells.
  const tell = (metric: MetricName, values: (now: TunnelStatus) => Values, ...labels: readonly string[]) => {
    const described = {
      name: metric,
      help: METRICS[metric],
      labelNames: ['tunnel', ...labels],
      registers: [registry],
    };
    if (metric.endsWith('_total'))
      new Counter({
        ...described,
        collect() {
          this.reset();
          for (const [more, value] of values(status())) this.inc({ tunnel: name, ...more }, value);
        },
      });
    else
      new Gauge({
        ...described,
        collect() {
          this.reset();
          for (const [more, value] of values(status())) this.set({ tunnel: name, ...more }, value);
        },
      });
  };
  const build = { version, node: process.versions.node, platform: process.platform };
  tell('tshuttle_build_info', () => [[build, 1]], 'version', 'node', 'platform');
  tell('tshuttle_bastion_info', ({ bastion }) => [[{ bastion }, 1]], 'bastion');
  tell('tshuttle_up', ({ state }) => [[{}, state.kind === 'up' ? 1 : 0]]);
  tell(
    'tshuttle_state',
    ({ state }) => STATE_LABELS.map((label) => [{ state: label }, stateLabel(state) === label ? 1 : 0]),
    'state',
  );
  tell('tshuttle_flows_open', ({ flows }) => [[{}, flows.now]]);
  tell('tshuttle_flows_held', ({ flows }) => [[{}, flows.held]]);
  tell('tshuttle_round_trip_seconds', ({ roundTripMs }) =>
    roundTripMs === null ? [] : [[{}, roundTripMs / 1_000]],
  );
  tell('tshuttle_names_in_use', ({ names }) => (names === null ? [] : [[{}, names.inUse]]));
  tell('tshuttle_names_capacity', ({ names }) => (names === null ? [] : [[{}, names.capacity]]));
  tell('tshuttle_names_refused_total', ({ names }) => [[{}, names?.refused ?? 0]]);
  tell('tshuttle_udp_flows_open', ({ udp }) => (udp == null ? [] : [[{}, udp.flows]]));
  tell(
    'tshuttle_udp_datagrams_total',
    ({ udp }) =>
      udp == null ? [] : (['sent', 'received', 'dropped'] as const).map((fate) => [{ fate }, udp[fate]]),
    'fate',
  );
  tell('tshuttle_flows_total', ({ flows }) => [[{}, flows.total]]);
  tell('tshuttle_opened_total', ({ flows }) => [[{}, flows.opened]]);
  tell(
    'tshuttle_failures_total',
    ({ failures }) =>
      FAILURE_CAUSES.map((cause) => [
        { cause },
        failures.find((failure) => failure.cause === cause)?.count ?? 0,
      ]),
    'cause',
  );
  tell('tshuttle_reconnects_total', ({ reconnects }) => [[{}, reconnects]]);
  tell(
    'tshuttle_bytes_total',
    ({ bytesUp, bytesDown }) => [
      [{ direction: 'up' }, bytesUp],
      [{ direction: 'down' }, bytesDown],
    ],
    'direction',
  );
  return registry;
}

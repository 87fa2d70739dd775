import { Counter, Gauge, Registry } from 'prom-client';
import { FAILURE_CAUSES, type TunnelStatus } from '../../tunnel/status/status.ts';

/** What is told of a tunnel, and what each value is. The names are a contract: dashboards and alerts have them. */
const HELP = {
  tshuttle_up: '1 while the tunnel carries',
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
  tshuttle_reconnects_total: 'how often the connection was lost and made again',
  tshuttle_round_trip_seconds: 'the last round trip to the bastion; absent where it is not measured',
} as const;

/** The metrics of a tunnel, for Prometheus: read anew at every scrape. */
export function tunnelMetrics(status: () => TunnelStatus): Registry {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: keyof typeof HELP, value: (now: TunnelStatus) => number | null): Gauge<'bastion'> =>
    new Gauge({
      name,
      help: HELP[name],
      labelNames: ['bastion'],
      registers,
      collect() {
        const now = status();
        const read = value(now);
        this.reset();
        if (read !== null) this.set({ bastion: now.bastion }, read);
      },
    });
  const counter = (
    name: keyof typeof HELP,
    values: (now: TunnelStatus) => ReadonlyArray<readonly [labels: Record<string, string>, value: number]>,
    labelNames: readonly string[] = [],
  ): Counter =>
    new Counter({
      name,
      help: HELP[name],
      labelNames: ['bastion', ...labelNames],
      registers,
      collect() {
        const now = status();
        // The tunnel counts; this only tells.
        this.reset();
        for (const [labels, value] of values(now)) this.inc({ bastion: now.bastion, ...labels }, value);
      },
    });
  gauge('tshuttle_up', ({ state }) => (state.kind === 'up' ? 1 : 0));
  gauge('tshuttle_flows_open', ({ flows }) => flows.now);
  gauge('tshuttle_flows_held', ({ flows }) => flows.held);
  gauge('tshuttle_round_trip_seconds', ({ roundTripMs }) =>
    roundTripMs === null ? null : roundTripMs / 1_000,
  );
  gauge('tshuttle_names_in_use', ({ names }) => names?.inUse ?? null);
  gauge('tshuttle_names_capacity', ({ names }) => names?.capacity ?? null);
  counter('tshuttle_names_refused_total', ({ names }) => [[{}, names?.refused ?? 0]]);
  counter('tshuttle_flows_total', ({ flows }) => [[{}, flows.total]]);
  counter('tshuttle_opened_total', ({ flows }) => [[{}, flows.opened]]);
  counter(
    'tshuttle_failures_total',
    ({ failures }) =>
      FAILURE_CAUSES.map((cause) => [
        { cause },
        failures.find((failure) => failure.cause === cause)?.count ?? 0,
      ]),
    ['cause'],
  );
  counter('tshuttle_reconnects_total', ({ reconnects }) => [[{}, reconnects]]);
  counter(
    'tshuttle_bytes_total',
    ({ bytesUp, bytesDown }) => [
      [{ direction: 'up' }, bytesUp],
      [{ direction: 'down' }, bytesDown],
    ],
    ['direction'],
  );
  return registry;
}

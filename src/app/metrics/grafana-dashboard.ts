import type { MetricName } from './metric-names.ts';

/** A query, and what its lines are called. */
type Query = readonly [expression: string, legend: string];

/** What a panel is, in the words of Grafana's dashboard model. */
interface PanelOptions {
  readonly type: 'timeseries' | 'state-timeline' | 'stat' | 'table';
  readonly description: string;
  readonly unit?: string;
  /** Only the values of now. */
  readonly isInstant?: boolean;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Grafana's grid is 24 wide. */
const WIDTH = 24;
const HEIGHT = 8;

const SOURCE = { type: 'prometheus', uid: '$datasource' } as const;

/** The tunnels that are chosen. */
function of(metric: MetricName): string {
  return `${metric}{tunnel=~"$tunnel"}`;
}

function rate(metric: MetricName): string {
  return `rate(${of(metric)}[$__rate_interval])`;
}

const ONE_VALUE = { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } } as const;

/** What it shows, from left to right, two panels beside each other. */
const PANELS: ReadonlyArray<readonly [title: string, options: PanelOptions, ...queries: readonly Query[]]> = [
  [
    'State',
    { type: 'state-timeline', description: 'as tshuttle status says it', options: { showValue: 'never' } },
    [`${of('tshuttle_state')} == 1`, '{{tunnel}} {{state}}'],
  ],
  [
    'Up',
    { type: 'stat', description: '1 while the tunnel carries', isInstant: true, options: ONE_VALUE },
    [of('tshuttle_up'), '{{tunnel}}'],
  ],
  [
    'Throughput',
    { type: 'timeseries', description: 'bytes of flows; up is from that machine', unit: 'Bps' },
    [rate('tshuttle_bytes_total'), '{{tunnel}} {{direction}}'],
  ],
  [
    'Round trip to the bastion',
    { type: 'timeseries', description: 'the last one that was measured', unit: 's' },
    [of('tshuttle_round_trip_seconds'), '{{tunnel}}'],
  ],
  [
    'Flows',
    { type: 'timeseries', description: 'held ones wait for the bastion', unit: 'short' },
    [of('tshuttle_flows_open'), '{{tunnel}} not over'],
    [of('tshuttle_flows_held'), '{{tunnel}} held'],
  ],
  [
    'New flows',
    { type: 'timeseries', description: 'a second, and those of them that were opened', unit: 'cps' },
    [rate('tshuttle_flows_total'), '{{tunnel}} all'],
    [rate('tshuttle_opened_total'), '{{tunnel}} opened'],
  ],
  [
    'Failures by cause',
    { type: 'timeseries', description: 'connections a second that could not be carried', unit: 'cps' },
    [`sum by (tunnel, cause) (${rate('tshuttle_failures_total')})`, '{{tunnel}} {{cause}}'],
  ],
  [
    'Reconnects',
    { type: 'timeseries', description: 'in the hour before', unit: 'short' },
    [`increase(${of('tshuttle_reconnects_total')}[1h])`, '{{tunnel}}'],
  ],
  [
    'Addresses for names in zones',
    { type: 'timeseries', description: 'the share that is in use; only with --domain', unit: 'percentunit' },
    [`${of('tshuttle_names_in_use')} / ${of('tshuttle_names_capacity')}`, '{{tunnel}}'],
    [rate('tshuttle_names_refused_total'), '{{tunnel}} queries refused a second'],
  ],
  [
    'Relayed datagrams',
    { type: 'timeseries', description: 'UDP that is relayed; only with --udp relay', unit: 'short' },
    [rate('tshuttle_udp_datagrams_total'), '{{tunnel}} {{fate}}, a second'],
    [of('tshuttle_udp_flows_open'), '{{tunnel}} exchanges'],
  ],
  [
    'Versions and bastions',
    { type: 'table', description: 'what runs, and through which bastion', isInstant: true },
    [of('tshuttle_build_info'), ''],
    [of('tshuttle_bastion_info'), ''],
  ],
];

/** A dashboard for Grafana 9 and later, as a file that can be imported: of all tunnels that Prometheus knows. */
export function grafanaDashboard(): object {
  return {
    title: 'tshuttle',
    uid: 'tshuttle',
    description: 'Tunnels of tshuttle that serve --metrics',
    tags: ['tshuttle'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    annotations: { list: [] },
    templating: { list: VARIABLES },
    panels: PANELS.map(([title, panel, ...queries], index) => renderPanel(index, title, panel, queries)),
  };
}

const VARIABLES = [
  { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', refresh: 1 },
  {
    name: 'tunnel',
    label: 'Tunnel',
    type: 'query',
    datasource: SOURCE,
    query: { query: 'label_values(tshuttle_build_info, tunnel)', refId: 'tunnel' },
    definition: 'label_values(tshuttle_build_info, tunnel)',
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  },
];

function renderPanel(
  index: number,
  title: string,
  { type, description, unit, isInstant = false, options }: PanelOptions,
  queries: readonly Query[],
): object {
  const w = WIDTH / 2;
  return {
    id: index + 1,
    type,
    title,
    description,
    datasource: SOURCE,
    gridPos: { x: (index % 2) * w, y: Math.floor(index / 2) * HEIGHT, w, h: HEIGHT },
    fieldConfig: { defaults: unit === undefined ? {} : { unit }, overrides: [] },
    options: options ?? {},
    targets: queries.map(([expr, legendFormat], at) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + at),
      datasource: SOURCE,
      expr,
      legendFormat,
      instant: isInstant,
      range: !isInstant,
      ...(type === 'table' ? { format: 'table' } : {}),
    })),
  };
}

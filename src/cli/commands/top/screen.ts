import type pc from 'picocolors';
import { stateWord } from '../../../app/running-tunnels/health.ts';
import type { TunnelReport } from '../../../daemon/control/protocol.ts';
import { formatBytes, formatDuration } from '../../rendering/quantities.ts';
import { drawGraph } from './graph.ts';
import { firstFlows, ORDERS, type Order } from './order.ts';
import type { MovingFlow, Throughput } from './rates.ts';

/** What the screen shows. */
export interface ScreenModel {
  readonly report: TunnelReport;
  /** How many tunnels there are, and which one this is, counted from 0. */
  readonly tunnels: { readonly count: number; readonly index: number };
  readonly history: readonly Throughput[];
  readonly flows: readonly MovingFlow[];
  readonly order: Order;
  readonly nowMs: number;
}

/** What the terminal can show. */
export interface ScreenSize {
  readonly columns: number;
  /** Infinity: all of it, once, for no keys and no history. */
  readonly rows: number;
  readonly hasUnicode: boolean;
  readonly colours: Pick<typeof pc, 'bold' | 'dim' | 'green' | 'yellow' | 'cyan' | 'inverse'>;
}

const GRAPH_ROWS = 3;
/** Below this many rows the flows matter more than a graph. */
const ROWS_FOR_GRAPHS = 18;
const RATE_COLUMNS = 11;

/** The whole screen as lines, never more than fit, none longer than the terminal is wide. */
export function drawScreen(model: ScreenModel, size: ScreenSize): readonly string[] {
  if (!Number.isFinite(size.rows))
    return [...headLines(model, size), rateLine(model), ...flowTable(model, size)];
  const head = [...headLines(model, size), ...(size.rows >= ROWS_FOR_GRAPHS ? graphLines(model, size) : [])];
  const keys = `sort: ${Object.entries(ORDERS)
    .map(([order, key]) => `${key} ${order}`)
    .join('  ')}${model.tunnels.count > 1 ? '  tab next tunnel' : ''}  q quit`;
  const room = Math.max(0, size.rows - head.length - 3);
  const table = flowTable(model, size, room);
  const hidden = model.flows.length + 1 - table.length;
  return [
    ...head,
    ...table,
    ...new Array<string>(room + 1 - table.length).fill(''),
    size.colours.dim(cutOff(hidden > 0 ? `${hidden} more   ${keys}` : keys, size.columns)),
  ];
}

function rateLine({ history }: ScreenModel): string {
  const { upBytesPerSec = 0, downBytesPerSec = 0 } = history.at(-1) ?? {};
  return `now: up ${formatBytes(upBytesPerSec)}/s, down ${formatBytes(downBytesPerSec)}/s`;
}

/** A line of headings, and so many flows. */
function flowTable(
  { flows, order }: ScreenModel,
  { columns, colours }: ScreenSize,
  most = flows.length,
): string[] {
  return [
    colours.inverse(cutOff(flowLine(FLOW_HEADS, columns), columns)),
    ...firstFlows(flows, order, most).map((flow) => cutOff(flowLine(flowCells(flow), columns), columns)),
  ];
}

function headLines({ report, tunnels, nowMs }: ScreenModel, { columns, colours }: ScreenSize): string[] {
  const { status } = report;
  const which = tunnels.count > 1 ? ` (${tunnels.index + 1} of ${tunnels.count})` : '';
  if (status === null) return [cutOff(`${report.name}${which}: opening`, columns)];
  const { state, flows } = status;
  const word = stateWord(status);
  const colour = word === 'up' ? colours.green : colours.yellow;
  const since = formatDuration(nowMs - state.sinceMs);
  const roundTrip = status.roundTripMs === null ? '' : `, round trip ${status.roundTripMs.toFixed(1)} ms`;
  const first = cutOff(
    `${report.name}${which}: ${word} for ${since}, ${status.bastion}${roundTrip}`,
    columns,
  );
  const counts = [
    `flows ${flows.now}, held ${flows.held}, in all ${flows.total}`,
    `up ${formatBytes(status.bytesUp)}, down ${formatBytes(status.bytesDown)}`,
    `reconnects ${status.reconnects}`,
  ];
  const trouble = status.advice ?? (state.kind === 'up' ? null : (status.lastError?.message ?? null));
  return [
    first.replace(word, colour(word)),
    cutOff(counts.join('; '), columns),
    ...(trouble === null ? [] : [colours.yellow(cutOff(trouble, columns))]),
  ];
}

function graphLines({ history }: ScreenModel, { columns, hasUnicode, colours }: ScreenSize): string[] {
  const width = Math.max(10, Math.floor((columns - 2) / 2));
  const graph = (name: string, values: readonly number[]): string[] => {
    const maximum = Math.max(1, ...values.slice(-width));
    const label = `${name} ${formatBytes(values.at(-1) ?? 0)}/s, peak ${formatBytes(maximum === 1 ? 0 : maximum)}/s`;
    const lines = drawGraph(values, { columns: width, rows: GRAPH_ROWS, maximum, hasUnicode });
    return [label.padEnd(width).slice(0, width), ...lines.map((line) => colours.cyan(line))];
  };
  const down = graph(
    'down',
    history.map(({ downBytesPerSec }) => downBytesPerSec),
  );
  const up = graph(
    'up',
    history.map(({ upBytesPerSec }) => upBytesPerSec),
  );
  return down.map((line, index) => `${line}  ${up[index] ?? ''}`);
}

type FlowCells = readonly [
  destination: string,
  stage: string,
  age: string,
  bytes: string,
  up: string,
  down: string,
];

const FLOW_HEADS: FlowCells = ['DESTINATION', 'STATE', 'AGE', 'BYTES', 'UP/s', 'DOWN/s'];

function flowCells(flow: MovingFlow): FlowCells {
  return [
    flow.address === null ? flow.destination : `${flow.destination} (${flow.address})`,
    flow.stage,
    formatDuration(flow.ageMs),
    formatBytes(flow.bytesUp + flow.bytesDown),
    formatBytes(flow.upBytesPerSec),
    formatBytes(flow.downBytesPerSec),
  ];
}

/** The destination has what the other columns leave. */
function flowLine([destination, stage, age, bytes, up, down]: FlowCells, columns: number): string {
  const others = [
    stage.padEnd(8),
    age.padStart(10),
    ...[bytes, up, down].map((cell) => cell.padStart(RATE_COLUMNS)),
  ];
  const width = Math.max(12, columns - others.join(' ').length - 1);
  return [shorten(destination, width).padEnd(width), ...others].join(' ');
}

/** The end of a name tells more than its middle. */
function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = width - 2;
  return `${text.slice(0, Math.ceil(kept / 2))}..${text.slice(text.length - Math.floor(kept / 2))}`;
}

function cutOff(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 2))}..`;
}

import * as echarts from 'echarts';
import type { BenchResult } from './result.ts';
import { type Figure, summarise } from './summary.ts';

/** A chart, as a file name without its ending and an SVG. */
export interface Chart {
  readonly name: string;
  readonly svg: string;
}

/** What one chart shows: some figures, side by side for every peer. */
interface ChartPlan {
  readonly name: string;
  readonly title: string;
  readonly axis: 'linear' | 'log';
  readonly includes: (figure: Figure) => boolean;
  /** The name of a group of bars. */
  readonly label: (figure: Figure) => string;
}

const WIDTH = 900;
const HEIGHT = 420;
const FONT = 'DejaVu Sans, sans-serif';

/** One colour for a peer in all charts, ours the strongest. */
const COLOURS: Readonly<Record<string, string>> = {
  raw: '#c7cdd4',
  'ssh-L': '#6b7a8c',
  redsocks: '#b08968',
  sshuttle: '#e0a526',
  tshuttle: '#1769aa',
  'tshuttle-handover': '#3aa6a0',
  'tshuttle-socks': '#8e5bb5',
};
const OTHER_COLOURS = ['#c94f4f', '#7a9e3b', '#b05fa3'];

const isLink = (figure: Figure) => figure.scenario.startsWith('link-');
const linkLabel = (figure: Figure) =>
  figure.scenario.slice('link-'.length).replace(/^./, (letter) => letter.toUpperCase());

const PLANS: readonly ChartPlan[] = [
  {
    name: 'throughput',
    title: 'Throughput, Gbit/s (logarithmic)',
    axis: 'log',
    includes: ({ scenario, unit }) => scenario === 'throughput' && unit === 'Gbit/s',
    label: ({ name }) => name,
  },
  {
    name: 'cpu',
    title: 'Client CPU seconds per GiB (logarithmic; less is better)',
    axis: 'log',
    includes: ({ scenario, name }) => scenario === 'throughput' && name.startsWith('client CPU'),
    label: ({ name }) => name.replace('client CPU, ', ''),
  },
  {
    name: 'connection-rate',
    title: 'New flows per second, 50 at once (more is better)',
    axis: 'linear',
    includes: ({ scenario, unit }) => scenario === 'connection-rate' && unit === '1/s',
    label: ({ name }) => name,
  },
  {
    name: 'latency',
    title: 'Latency of a request on a kept connection, ms (logarithmic; less is better)',
    axis: 'log',
    includes: ({ scenario, unit }) => scenario === 'latency' && unit === 'ms',
    label: ({ name }) => name,
  },
  {
    name: 'memory',
    title: 'Memory of the client with open flows, MiB (less is better)',
    axis: 'linear',
    includes: ({ scenario, name }) => scenario === 'open-flows' && name.startsWith('RSS client'),
    label: ({ name }) => name.replace('RSS client, ', ''),
  },
  {
    name: 'links-wait',
    title: 'Emulated links: a request while one flow downloads, p50, ms (logarithmic; less is better)',
    axis: 'log',
    includes: (figure) => isLink(figure) && figure.name === 'KA under download, p50',
    label: linkLabel,
  },
  {
    name: 'links-new',
    title: 'Emulated links: a new connection while one flow downloads, p50, ms (logarithmic; less is better)',
    axis: 'log',
    includes: (figure) => isLink(figure) && figure.name === 'NEW under download, p50',
    label: linkLabel,
  },
  {
    name: 'links-download',
    title: 'Emulated links: one download, Mbit/s (logarithmic)',
    axis: 'log',
    includes: (figure) => isLink(figure) && figure.name === 'download',
    label: linkLabel,
  },
];

/** Draws a chart for every group of figures that the result has. */
export function drawCharts(result: BenchResult): Chart[] {
  const figures = summarise(result);
  const peers = result.peers.map(({ name }) => name);
  return PLANS.flatMap((plan) => {
    const shown = figures.filter(plan.includes);
    return shown.length === 0 ? [] : [{ name: plan.name, svg: drawBars(plan, shown, peers) }];
  });
}

function drawBars(plan: ChartPlan, figures: readonly Figure[], peers: readonly string[]): string {
  const shown = peers.filter((peer) => figures.some(({ cells }) => cells.has(peer)));
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  let others = 0;
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: FONT },
    title: { text: plan.title, left: 'center', textStyle: { fontSize: 15 } },
    legend: { bottom: 0, itemGap: 24 },
    grid: { left: 60, right: 20, top: 50, bottom: 70 },
    xAxis: { type: 'category', data: figures.map(plan.label), axisLabel: { interval: 0 } },
    yAxis: plan.axis === 'log' ? logAxis(figures) : { type: 'value' },
    series: shown.map((peer) => ({
      name: peer,
      type: 'bar',
      itemStyle: { color: COLOURS[peer] ?? OTHER_COLOURS[others++ % OTHER_COLOURS.length] },
      label: {
        show: true,
        position: 'top',
        fontSize: 10,
        formatter: ({ value }: { value: unknown }) => barText(value),
      },
      data: figures.map((figure) => figure.cells.get(peer)?.median ?? null),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** An axis that begins at the power of ten below every bar: bars grow from its start, not from 1. */
function logAxis(figures: readonly Figure[]) {
  const medians = figures.flatMap(({ cells }) => [...cells.values()].map((cell) => cell.median));
  const least = Math.min(...medians.filter((value) => value > 0), 1);
  const start = 10 ** Math.floor(Math.log10(least) - 0.1);
  return { type: 'log', logBase: 10, min: start, startValue: start } as const;
}

function barText(value: unknown): string {
  if (typeof value !== 'number') return '';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}

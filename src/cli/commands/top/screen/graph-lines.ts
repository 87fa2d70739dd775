import { formatBytes } from '../../../../core/quantities.ts';
import type { Throughput } from '../rates.ts';
import { drawGraph } from './graph.ts';
import type { ScreenStyle } from './style.ts';

const GRAPH_ROWS = 3;

/** The throughput of the last minutes, down and up side by side. */
export function graphLines(history: readonly Throughput[], style: ScreenStyle): readonly string[] {
  const columns = Math.max(1, Math.floor((style.columns - 2) / 2));
  const graph = (name: string, values: readonly number[]): readonly string[] => {
    const peak = values.slice(-columns).reduce((most, value) => Math.max(most, value), 0);
    const label = `${name} ${formatBytes(values.at(-1) ?? 0)}/s, peak ${formatBytes(peak)}/s`;
    const lines = drawGraph(values, {
      columns,
      rows: GRAPH_ROWS,
      maximum: Math.max(1, peak),
      hasUnicode: style.hasUnicode,
    });
    return [label.padEnd(columns).slice(0, columns), ...lines.map((line) => style.colours.cyan(line))];
  };
  const down = graph(
    'down',
    history.map(({ downBytesPerSec }) => downBytesPerSec),
  );
  const up = graph(
    'up',
    history.map(({ upBytesPerSec }) => upBytesPerSec),
  );
  return down.map((line, index) => `${line}  ${up[index]!}`);
}

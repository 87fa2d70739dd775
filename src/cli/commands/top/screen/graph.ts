/** Eighths of a character cell, from nothing to all of it (Unicode block elements). */
const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
/** The same for a terminal without Unicode. */
const PLAIN = [' ', '.', ':', '|', '#'] as const;

/** What a graph is drawn with. */
export interface GraphOptions {
  readonly columns: number;
  readonly rows: number;
  /** What the top stands for; larger values are cut off. */
  readonly maximum: number;
  readonly hasUnicode: boolean;
}

/** The latest values as columns, the newest at the right, as lines from top to bottom. */
export function drawGraph(values: readonly number[], options: GraphOptions): readonly string[] {
  const { columns, rows, maximum, hasUnicode } = options;
  const cells: readonly string[] = hasUnicode ? BLOCKS : PLAIN;
  const steps = cells.length - 1;
  const shown = values.slice(-columns);
  const heights = [...new Array<number>(columns - shown.length).fill(0), ...shown].map((value) =>
    heightOf(value, maximum, rows * steps),
  );
  return Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * steps;
    return heights.map((height) => cells[Math.max(0, Math.min(steps, height - below))]!).join('');
  });
}

/** Something is never drawn as nothing. */
function heightOf(value: number, maximum: number, whole: number): number {
  if (value <= 0 || maximum <= 0) return 0;
  return Math.max(1, Math.min(whole, Math.round((value / maximum) * whole)));
}

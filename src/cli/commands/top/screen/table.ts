import { cellText, cutMiddle, cutOff, displayWidth, pad } from '../../../rendering/display-width.ts';
import type { Style } from './style.ts';

/** A column of a table whose lines are made of `Row`s. */
export interface Column<Row> {
  readonly head: string;
  /** In columns of the terminal. */
  readonly width: number;
  readonly align?: 'right';
  readonly cell: (row: Row) => string;
}

/**
 * A line of headings and a line for each row. Where nothing is to be cut off each column is as wide as what is in it; on a screen the
 * first one has what the others leave, and no line is longer than the screen is wide.
 */
export function renderRows<Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: readonly Row[],
  style: Style,
): readonly string[] {
  const heads = columns.map(({ head }) => head);
  const cells = rows.map((row) => columns.map(({ cell }) => cellText(cell(row), style.hasUnicode)));
  const widths = columnWidths(columns, [heads, ...cells], style.columns);
  const line = (texts: readonly string[]): string => {
    const padded = texts.map((text, index) => {
      const width = widths[index]!;
      return pad(index === 0 ? cutMiddle(text, width) : cutOff(text, width), width, columns[index]!.align);
    });
    const whole = padded.join(' ');
    return style.columns === undefined ? whole.trimEnd() : cutOff(whole, style.columns);
  };
  return [style.colours.inverse(line(heads)), ...cells.map(line)];
}

const LEAST_FIRST = 8;

function columnWidths(
  columns: ReadonlyArray<Column<never>>,
  lines: ReadonlyArray<readonly string[]>,
  available: number | undefined,
): readonly number[] {
  if (available === undefined) {
    return columns.map((_, index) =>
      lines.reduce((widest, cells) => Math.max(widest, displayWidth(cells[index]!)), 0),
    );
  }
  const others = columns.slice(1).map(({ width }) => width);
  const taken = others.reduce((total, width) => total + width + 1, 0);
  return [Math.max(LEAST_FIRST, available - taken), ...others];
}

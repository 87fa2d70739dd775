import { stripVTControlCharacters } from 'node:util';
import { displayWidth } from './display-width.ts';

/**
 * Columns side by side, without lines between them; a newline at the end. Cells may have colours.
 *
 * @param columns how wide a terminal is: of a wider table the last cells of a row stand below it, each with its head
 */
export function renderTable(
  head: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
  columns = Number.POSITIVE_INFINITY,
): string {
  const beside = (count: number) => alignColumns([head, ...rows].map((cells) => cells.slice(0, count)));
  let count = head.length;
  while (count > 1 && beside(count).some((line) => widthOf(line) > columns)) count -= 1;
  return beside(count)
    .flatMap((line, index) => {
      const below = rows[index - 1]?.slice(count) ?? [];
      return [
        line,
        ...below.flatMap((cell, at) => (cell === '' ? [] : [`    ${head[count + at]}  ${cell}`])),
      ];
    })
    .map((line) => `${line}\n`)
    .join('');
}

/** The lines of a table without a head. Cells may have colours; a column in which all are empty is left out. */
export function alignColumns(rows: ReadonlyArray<readonly string[]>): readonly string[] {
  const count = Math.max(0, ...rows.map((cells) => cells.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((cells) => widthOf(cells[column] ?? ''))),
  );
  const padded = (cell: string, column: number): string =>
    cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell));
  return rows.map((cells) =>
    cells
      .map(padded)
      .filter((_, column) => widths[column] !== 0)
      .join('  ')
      .trimEnd(),
  );
}

/** How many columns a text takes, colours left out. */
export function widthOf(cell: string): number {
  return displayWidth(stripVTControlCharacters(cell));
}

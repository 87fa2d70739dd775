import { stripVTControlCharacters } from 'node:util';

/** Columns side by side, without lines between them; a newline at the end. Cells may have colours. */
export function renderTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => widthOf(cells[column] ?? ''))));
  const padded = (cell: string, column: number): string =>
    cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell));
  return lines.map((cells) => `${cells.map(padded).join('  ').trimEnd()}\n`).join('');
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

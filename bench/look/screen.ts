import headless from '@xterm/headless';
import type { Capture } from '../../test/support/lab/tmux-terminal.ts';

/** How text looks. The colour is one of the terminal's 16; undefined is its own. */
export interface Style {
  readonly colour: number | undefined;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly isInverse: boolean;
}

/** Text that looks the same, from a column on. */
export interface Run {
  readonly column: number;
  readonly text: string;
  readonly style: Style;
}

/** A row of a terminal, from left to right; where no run is, it is empty. */
export type Row = readonly Run[];

/** What a terminal shows at one moment. */
export interface Screen {
  readonly rows: readonly Row[];
  readonly cursor: Capture['cursor'];
}

/** How wide the terminals are. */
export const COLUMNS = 80;

/** The terminals, from top to bottom. */
export const TERMINALS = [
  { title: 'one terminal', rows: 3 },
  { title: 'another terminal', rows: 20 },
] as const;

/** Has a terminal emulator read what tmux has captured. */
export async function readScreen({ lines, cursor }: Capture): Promise<Screen> {
  const options = { cols: COLUMNS, rows: lines.length, allowProposedApi: true };
  const emulator = new headless.Terminal(options);
  await new Promise<void>((resolve) => emulator.write(lines.join('\r\n'), resolve));
  const { active } = emulator.buffer;
  const rows = lines.map((_line, at) => readRow(active.getLine(at)!));
  emulator.dispose();
  return { rows, cursor };
}

type EmulatorLine = NonNullable<ReturnType<headless.Terminal['buffer']['active']['getLine']>>;
type EmulatorCell = NonNullable<ReturnType<EmulatorLine['getCell']>>;

function readRow(line: EmulatorLine): Row {
  const runs: Array<{ column: number; text: string; style: Style }> = [];
  for (let column = 0; column < COLUMNS; column += 1) {
    const cell = line.getCell(column)!;
    const style = styleOf(cell);
    const text = cell.getChars() || ' ';
    const last = runs.at(-1);
    if (last !== undefined && JSON.stringify(last.style) === JSON.stringify(style)) last.text += text;
    else runs.push({ column, text, style });
  }
  return runs.filter(({ text, style }) => style.isInverse || text.trim() !== '');
}

function styleOf(cell: EmulatorCell): Style {
  if (!cell.isFgDefault() && !(cell.isFgPalette() && cell.getFgColor() < 16))
    throw new Error('the look knows the 16 colours of a terminal only');
  if (!cell.isBgDefault()) throw new Error('the look knows no background but that of inverse text');
  return {
    colour: cell.isFgDefault() ? undefined : cell.getFgColor(),
    isBold: cell.isBold() !== 0,
    isDim: cell.isDim() !== 0,
    isInverse: cell.isInverse() !== 0,
  };
}

/** What is on a screen, without how it looks; a line for each row, without blanks at its end. */
export function textOf({ rows }: Screen): string {
  return rows
    .map((row) => row.reduce((line, { column, text }) => line.padEnd(column) + text, '').trimEnd())
    .join('\n');
}

/** The screen when its cursor's row had been typed up to a column only. */
export function typedUpTo({ rows }: Screen, row: number, column: number): Screen {
  const typed = rows[row]!.filter((run) => run.column < column).map((run) => ({
    ...run,
    text: run.text.slice(0, column - run.column),
  }));
  return { rows: rows.with(row, typed), cursor: { column, row } };
}

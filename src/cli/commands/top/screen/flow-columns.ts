import { formatBytes, formatDuration } from '../../../../core/quantities.ts';
import { cutOff } from '../../../rendering/display-width.ts';
import type { TopRow } from '../view/rows.ts';
import type { Column } from './table.ts';

/** What decides which columns there are. */
export interface FlowTable {
  /** Of the screen; undefined where nothing is to be cut off. */
  readonly columns: number | undefined;
  readonly isGrouped: boolean;
  /** Whether flows of several tunnels are among them. */
  readonly hasTunnels: boolean;
  /** Whether addresses stand for names. */
  readonly hasAddresses: boolean;
  /** Whether anybody can tell the programs. */
  readonly hasPrograms: boolean;
}

/** Fits `97.7 KiB`. */
const BYTES_COLUMNS = 8;
const PID_COLUMNS = 7;
/** A program and its pid in one; a pid has up to 7 digits. */
const PROGRAM_AND_PID_COLUMNS = 16;
/** The kernel bounds it to 15 bytes; of several flows there may be several. */
const PROGRAM_COLUMNS = 17;

/** The columns of the table of flows: the more the wider the screen is. */
export function flowColumns(table: FlowTable): ReadonlyArray<Column<TopRow>> {
  const { columns = Number.POSITIVE_INFINITY, isGrouped, hasTunnels, hasAddresses, hasPrograms } = table;
  const from = (least: number, isShown: boolean, ...shown: ReadonlyArray<Column<TopRow>>) =>
    columns >= least && isShown ? shown : [];
  const isWide = columns >= 140;
  return [
    { head: 'DESTINATION', width: 0, cell: ({ destination }) => destination },
    ...from(140, hasAddresses, { head: 'ADDRESS', width: 15, cell: ({ address }) => address }),
    ...from(60, hasTunnels, { head: 'TUNNEL', width: isWide ? 16 : 10, cell: ({ tunnel }) => tunnel }),
    ...from(
      40,
      isGrouped,
      right('FLOWS', 5, ({ flows }) => String(flows.length)),
    ),
    ...(hasPrograms ? programColumns(columns) : []),
    ...from(100, true, { head: 'STATE', width: 9, cell: ({ stage }) => stage }),
    ...from(
      140,
      true,
      right('OPENING', 8, ({ openingMs }) => (openingMs === null ? '' : milliseconds(openingMs))),
    ),
    ...from(
      60,
      true,
      right('AGE', columns >= 120 ? 11 : 6, ({ ageMs }) => age(ageMs, columns >= 120)),
    ),
    ...(isWide
      ? [bytes('UP', ({ bytesUp }) => bytesUp), bytes('DOWN', ({ bytesDown }) => bytesDown)]
      : from(
          50,
          true,
          bytes('TOTAL', ({ bytesUp, bytesDown }) => bytesUp + bytesDown),
        )),
    bytes('UP/s', ({ upBytesPerSec }) => upBytesPerSec),
    right('DOWN/s', BYTES_COLUMNS, ({ flows, stage, downBytesPerSec }) =>
      // Where there is no column for it.
      columns < 100 && flows.every((flow) => flow.stage !== 'open') ? stage : formatBytes(downBytesPerSec),
    ),
    ...from(170, true, { head: 'FROM', width: 21, cell: ({ originator }) => originator }),
  ];
}

function programColumns(columns: number): ReadonlyArray<Column<TopRow>> {
  if (columns < 60) return [];
  if (columns >= 110) {
    return [
      { head: 'PROGRAM', width: PROGRAM_COLUMNS, cell: ({ program }) => program },
      right('PID', PID_COLUMNS, ({ pid }) => pid),
    ];
  }
  const cell = ({ program, pid }: TopRow): string =>
    pid === '' ? program : `${cutOff(program, PROGRAM_AND_PID_COLUMNS - pid.length - 1)} ${pid}`;
  return [{ head: 'PROGRAM', width: PROGRAM_AND_PID_COLUMNS, cell }];
}

function bytes(head: string, of: (row: TopRow) => number): Column<TopRow> {
  return right(head, BYTES_COLUMNS, (row) => formatBytes(of(row)));
}

function right(head: string, width: number, cell: Column<TopRow>['cell']): Column<TopRow> {
  return { head, width, align: 'right', cell };
}

function age(ageMs: number, isExact: boolean): string {
  const exact = formatDuration(ageMs);
  // `2 h 10 min` is too long.
  return isExact ? exact : (/^\d+ \S+/.exec(exact)?.[0] ?? exact);
}

function milliseconds(value: number): string {
  return value < 10_000 ? `${value.toFixed(1)} ms` : `${Math.round(value / 1_000)} s`;
}

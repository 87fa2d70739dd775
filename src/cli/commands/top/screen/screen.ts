import { formatBytes } from '../../../../core/quantities.ts';
import type { ConnectionOwner } from '../../../../net/machine/connection-owners/connection-owners.ts';
import { cellText, cutOff } from '../../../rendering/display-width.ts';
import type { TopDocument, TopFlow } from '../document/top-document.ts';
import type { Throughput } from '../rates.ts';
import { oneTunnel } from '../view/one-tunnel.ts';
import { inOrder, ORDERS } from '../view/order.ts';
import { flowRows, groupedRows, matchingRows, type TopRow } from '../view/rows.ts';
import type { TopState } from '../view/state.ts';
import { failuresList } from './failures-list.ts';
import { type FlowTable, flowColumns } from './flow-columns.ts';
import { graphLines } from './graph-lines.ts';
import { headLines } from './head.ts';
import { helpList } from './help-list.ts';
import type { ScreenStyle, Style } from './style.ts';
import { renderRows } from './table.ts';

/** What there is to show. */
export interface TopContent {
  readonly document: TopDocument;
  /** The throughput at each look, the oldest first: of one tunnel, or of all. */
  readonly historyOf: (tunnel: string | undefined) => readonly Throughput[];
  /** Undefined where nobody can tell who has opened a flow. */
  readonly ownerOf: ((flow: TopFlow) => ConnectionOwner | undefined) | undefined;
}

/** A screen. */
export interface Frame {
  /** As many as the screen has rows, none longer than it is wide. */
  readonly lines: readonly string[];
  /** Lines of the list, and how many of them fit. */
  readonly list: { readonly lines: number; readonly room: number };
  /** Whose programs should be known: those that are shown first, and all among which is chosen by the program. */
  readonly flows: readonly TopFlow[];
}

/** Below this many rows the flows matter more than a graph; and below this many columns there is nothing to see in it. */
const ROWS_FOR_GRAPHS = 18;
const COLUMNS_FOR_GRAPHS = 20;

/** Below the list: where in it this is, and the keys. */
const FOOT_ROWS = 2;

/** Draws the screen. */
export function drawScreen(content: TopContent, state: TopState, style: ScreenStyle): Frame {
  const document = state.tunnel === undefined ? content.document : oneTunnel(content.document, state.tunnel);
  const hasGraphs =
    style.rows >= ROWS_FOR_GRAPHS && style.columns >= COLUMNS_FOR_GRAPHS && state.panel !== 'help';
  const above = [
    ...headLines(document, style, Math.max(1, Math.floor(style.rows / 3))),
    ...(hasGraphs ? graphLines(content.historyOf(state.tunnel), style) : []),
  ];
  const list = listOf({ ...content, document }, state, style);
  const room = Math.max(0, style.rows - above.length - list.heads - FOOT_ROWS);
  const first = Math.max(0, Math.min(state.first, list.lines - room));
  const shown = list.draw(first, first + room);
  const filling = new Array<string>(Math.max(0, room + list.heads - shown.length)).fill('');
  const position = positionLine(state, list, { first, room }, style);
  const keys = style.colours.dim(cutOff(keyLine(document, state), style.columns));
  const lines = [...above, ...shown, ...filling, position, keys];
  return {
    lines: lines.slice(0, style.rows),
    list: { lines: list.lines, room },
    flows: [...list.flows(first, first + room), ...(isChosenByProgram(state) ? document.flows : [])],
  };
}

function isChosenByProgram({ filter, isGrouped, order }: TopState): boolean {
  return filter !== '' || isGrouped || order === 'p';
}

/** What is scrolled: its lines are drawn when it is known which are shown. */
interface List {
  readonly name: string;
  readonly lines: number;
  /** How many lines stand above it and are not scrolled. */
  readonly heads: number;
  readonly draw: (from: number, to: number) => readonly string[];
  /** Those in these lines. */
  readonly flows: (from: number, to: number) => readonly TopFlow[];
}

function listOf(content: TopContent, state: TopState, style: ScreenStyle): List {
  switch (state.panel) {
    case 'help':
      return textList('lines of help', helpList(style, content.ownerOf !== undefined));
    case 'failures':
      return textList('lines of failures', failuresList(content.document, state.filter, style));
    case 'flows': {
      const rows = rowsOf(content, state);
      const columns = flowColumns(tableOf(content, rows, state.isGrouped, style.columns));
      return {
        name: state.isGrouped ? 'destinations' : 'flows',
        lines: rows.length,
        heads: 1,
        draw: (from, to) => renderRows(columns, rows.slice(from, to), style),
        flows: (from, to) => rows.slice(from, to).flatMap(({ flows }) => flows),
      };
    }
  }
}

function textList(name: string, lines: readonly string[]): List {
  return { name, lines: lines.length, heads: 0, draw: (from, to) => lines.slice(from, to), flows: () => [] };
}

/** The flows that are chosen, in their order. */
function rowsOf(
  { document, ownerOf }: Pick<TopContent, 'document' | 'ownerOf'>,
  { filter, isGrouped, order }: Pick<TopState, 'filter' | 'isGrouped' | 'order'>,
): readonly TopRow[] {
  const rows = matchingRows(
    flowRows(document.flows, (flow) => ownerOf?.(flow)),
    filter,
  );
  return inOrder(isGrouped ? groupedRows(rows) : rows, order);
}

function tableOf(
  { document, ownerOf }: TopContent,
  rows: readonly TopRow[],
  isGrouped: boolean,
  columns: number | undefined,
): FlowTable {
  return {
    columns,
    isGrouped,
    hasTunnels: document.tunnels.length > 1,
    hasAddresses: rows.some(({ address }) => address !== ''),
    hasPrograms: ownerOf !== undefined,
  };
}

function positionLine(
  { isTyping, filter, order, panel }: TopState,
  { lines, name }: List,
  { first, room }: { readonly first: number; readonly room: number },
  { columns, hasUnicode, colours }: ScreenStyle,
): string {
  if (isTyping) {
    const typed = cellText(`/${filter}`, hasUnicode);
    // Its end is what is typed now.
    const kept = [...typed].slice(-Math.max(1, Math.floor(columns / 2) - 1)).join('');
    return colours.bold(cutOff(`${kept}_   Enter keeps the filter, Esc clears it`, columns));
  }
  const range = lines === 0 ? 'no' : `${first + 1}-${Math.min(lines, first + room)} of ${lines}`;
  const sorted = panel === 'flows' ? `, by ${ORDERS[order]}` : '';
  const matching = filter === '' || panel === 'help' ? '' : `, with "${filter}"`;
  return cutOff(cellText(`${range} ${name}${sorted}${matching}`, hasUnicode), columns);
}

function keyLine({ tunnels }: TopDocument, { panel, tunnel, isGrouped }: TopState): string {
  const parts = [
    panel === 'help' ? 'Esc back' : '? help',
    '/ filter',
    isGrouped ? 'g flows' : 'g group',
    panel === 'failures' ? 'f flows' : 'f failures',
    `sort ${Object.keys(ORDERS).join(' ')}`,
    ...(tunnels.length > 1 || tunnel !== undefined ? ['Tab tunnel'] : []),
    'q quit',
  ];
  return parts.join('  ');
}

/** All of it, once: no keys, and no end of the screen. */
export function drawOnce(content: TopContent, style: Style): readonly string[] {
  const { document } = content;
  const rows = rowsOf(content, { filter: '', isGrouped: false, order: 'r' });
  const { upBytesPerSec, downBytesPerSec } = document.totals;
  return [
    ...headLines(document, { ...style, isBroken: true }).flatMap((line) => line.split('\n')),
    `now: ${formatBytes(upBytesPerSec)}/s up, ${formatBytes(downBytesPerSec)}/s down`,
    ...renderRows(flowColumns(tableOf(content, rows, false, style.columns)), rows, style),
  ];
}

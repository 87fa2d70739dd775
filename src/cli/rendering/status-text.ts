import { type Health, type TunnelProblem, wordFor } from '../../app/running-tunnels/health.ts';
import type { TunnelsNow, TunnelView } from '../../app/running-tunnels/tunnel-views.ts';
import { formatBytes, formatDuration } from '../../core/quantities.ts';
import type { SilentDaemon } from '../../daemon/control/client.ts';
import { describeAgreement } from '../../ssh/agreement.ts';
import type { BastionStanding } from '../../tunnel/status/status.ts';
import { alignColumns, widthOf } from './table.ts';
import { type Colours, coloursOf, type Look } from './terminal.ts';
import { wrap } from './wrap.ts';

/** How `status` marks a tunnel: a symbol, what stands for it where it cannot be shown, and its colour. */
const MARKS: Readonly<
  Record<
    Health,
    { readonly symbol: string; readonly ascii: string; readonly colour: 'green' | 'yellow' | 'red' }
  >
> = {
  up: { symbol: '●', ascii: '*', colour: 'green' },
  connecting: { symbol: '◐', ascii: '~', colour: 'yellow' },
  'works-badly': { symbol: '!', ascii: '!', colour: 'yellow' },
  'needs-you': { symbol: '○', ascii: 'o', colour: 'red' },
  down: { symbol: '○', ascii: 'o', colour: 'red' },
};

/** What is told of how things were is left out after so long, but where there is room for everything. */
const RECENT_MS = 60 * 60_000;

const INDENT = '    ';

/** The text of `tshuttle status`. */
interface StatusContext {
  readonly nowMs: number;
  readonly look: Look;
  /** Whether also what nobody has to know is said. */
  readonly isDetailed: boolean;
  /** For where there is none: what to do. */
  readonly howToStart: string;
}

/** The symbol of a tunnel's health, or the letter that stands for it. */
export function markOf(health: Health, { hasUnicode }: Pick<Look, 'hasUnicode'>): string {
  return hasUnicode ? MARKS[health].symbol : MARKS[health].ascii;
}

/** The text of `tshuttle status`: a line for each tunnel, and below it what is captured, what is wrong, and what to do. */
export function renderStatus({ tunnels, silent, down, over }: TunnelsNow, context: StatusContext): string {
  const colours = coloursOf(context.look);
  const heads = headLines(
    [...tunnels.map(cellsOf(context, colours)), ...down.map(downCells(context, colours))],
    context,
  );
  const lines = [
    ...tunnels.flatMap((tunnel, index) => [heads[index]!, ...linesBelow(tunnel, context, colours)]),
    ...down.flatMap((name, index) => [
      heads[tunnels.length + index]!,
      ...indented(
        over.includes(name) ? `-> what it has logged: tshuttle logs ${name}` : `-> tshuttle up ${name}`,
        context,
        '   ',
      ),
    ]),
    ...silent.flatMap((one) => silentLines(one, context, colours)),
  ];
  if (lines.length === 0) return `no tunnel is up -> ${context.howToStart}\n`;
  return `${lines.join('\n')}\n`;
}

type HeadCells = readonly [name: string, state: string, flows: string, roundTrip: string, bastion: string];

function cellsOf({ nowMs, look }: StatusContext, colours: Colours): (tunnel: TunnelView) => HeadCells {
  return ({ name, status, health }) => {
    const colour = colours[MARKS[health].colour];
    const marked = `${colour(markOf(health, look))} ${colours.bold(name)}`;
    const word = colour(wordFor({ status, health }));
    if (status === null) return [marked, word, '', '', ''];
    const { state, flows, roundTripMs, bastion } = status;
    const retry =
      state.kind === 'waiting' && state.for.kind === 'backoff'
        ? `, next try in ${formatDuration(state.for.retryAtMs - nowMs)}`
        : '';
    const since = formatDuration(nowMs - state.sinceMs);
    const held = flows.held === 0 ? '' : `, ${flows.held} waiting`;
    return [
      marked,
      `${word} ${since}${retry}`,
      `${flows.now - flows.held} open${held}`,
      roundTripMs === null ? '' : `${Math.round(roundTripMs)} ms`,
      bastion,
    ];
  };
}

function downCells({ look }: StatusContext, colours: Colours): (name: string) => HeadCells {
  return (name) => [
    `${colours.red(markOf('down', look))} ${colours.bold(name)}`,
    colours.red('not up'),
    '',
    '',
    '',
  ];
}

/** Where the terminal is narrow, first the bastion's address is left out, then the round trip; then lines are cut off. */
function headLines(rows: readonly HeadCells[], { look: { columns } }: StatusContext): readonly string[] {
  const whole = alignColumns(rows);
  if (columns === undefined || fits(whole, columns)) return whole;
  const short = rows.map(
    (cells): HeadCells =>
      [...cells.slice(0, -1), cells[4].replace(/ \([^ ]*\)$/, '')] as unknown as HeadCells,
  );
  const shorter = alignColumns(short);
  if (fits(shorter, columns)) return shorter;
  const shortest = alignColumns(short.map((cells) => cells.with(3, '')));
  return shortest.map((line) => (widthOf(line) <= columns ? line : cutOff(line, columns)));
}

function fits(lines: readonly string[], columns: number): boolean {
  return lines.every((line) => widthOf(line) <= columns);
}

/** Colours are at the line's beginning only, and are counted as if they took room: nothing of them is cut. */
function cutOff(line: string, columns: number): string {
  return `${line.slice(0, columns - 2 + line.length - widthOf(line))}..`;
}

function linesBelow(tunnel: TunnelView, context: StatusContext, colours: Colours): readonly string[] {
  const { isDetailed, nowMs } = context;
  const told = tunnel.problems.filter(({ kind }) => kind !== 'encryption');
  const notes = told.filter(({ level }) => level === 'note');
  const recent = notes.filter(({ lastAtMs }) => lastAtMs === null || nowMs - lastAtMs < RECENT_MS);
  return [
    ...told
      .filter(({ level }) => level === 'problem')
      .flatMap((one) => problemLines(one, '! ', context))
      .map((line) => line.replace(/^ +!/, (mark) => mark.replace('!', colours.yellow('!')))),
    ...plainLines(tunnel).flatMap((line) => indented(line, context)),
    ...(isDetailed ? notes : recent).flatMap((one) => problemLines(one, '', context)),
    ...(isDetailed ? detailLines(tunnel).flatMap((line) => indented(line, context)) : []),
  ];
}

function problemLines(
  { what, remedy, lastAtMs }: TunnelProblem,
  mark: string,
  context: StatusContext,
): readonly string[] {
  const age = lastAtMs === null ? '' : ` (${formatDuration(context.nowMs - lastAtMs)} ago)`;
  const help = remedy === null ? [] : indented(`  -> ${remedy}`, context, '     ');
  return [...indented(`${mark}${what}${age}`, context), ...help];
}

function plainLines({ status, captured, name, shares }: TunnelView): readonly string[] {
  const whole = captured === null ? [] : [captured.replace(` through ${status?.bastion}`, '')];
  const shared = shares.map(({ what, winner, loser }) =>
    winner === name
      ? `shares ${what} with ${loser}: this one gets the connections, since it was started last`
      : `shares ${what} with ${winner}: that one gets the connections, since it was started last`,
  );
  return [...whole, ...shared, ...bastionLines(status?.bastions ?? [])];
}

function detailLines({ status, logFile }: TunnelView): readonly string[] {
  if (status === null) return [];
  const { flows, bytesUp, bytesDown, reconnects, algorithms, udp } = status;
  const again =
    reconnects === 0 ? '' : `; connected again ${reconnects} ${reconnects === 1 ? 'time' : 'times'}`;
  const moved = `${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down`;
  return [
    `${flows.total} ${flows.total === 1 ? 'connection' : 'connections'} so far, ${moved}${again}`,
    ...(udp == null
      ? []
      : [
          `UDP: ${udp.flows} open, ${udp.sent} datagrams sent, ${udp.received} received, ${udp.dropped} dropped`,
        ]),
    ...(algorithms == null ? [] : [`encrypted by ${describeAgreement(algorithms)}`]),
    ...(logFile === null ? [] : [`log: ${logFile}`]),
  ];
}

/** Which of several it is, and why not one before it. */
function bastionLines(bastions: readonly BastionStanding[]): readonly string[] {
  const used = bastions.findIndex(({ isUsed }) => isUsed);
  if (used < 0) return [];
  const standing = bastions
    .filter(({ isUsed }) => !isUsed)
    .map(({ bastion, lastError }) => `${bastion}${lastError === null ? ' stands by' : ` (${lastError})`}`);
  return [`bastion ${used + 1} of ${bastions.length}; ${standing.join('; ')}`];
}

function silentLines(
  { path, pid, isOwn, reason }: SilentDaemon,
  context: StatusContext,
  colours: Colours,
): readonly string[] {
  const mark = isOwn ? `${colours.red(markOf('needs-you', context.look))} ` : '';
  const who = pid === undefined ? path : `process ${pid}`;
  return [
    `${mark}${who}: ${reason}`,
    ...(isOwn ? indented('-> end it, with all its tunnels: tshuttle down --all', context, '   ') : []),
  ];
}

/** A text below a tunnel, broken where the terminal is narrow. @param hang what its further lines are indented by besides */
function indented(text: string, { look: { columns } }: StatusContext, hang = '  '): readonly string[] {
  if (columns === undefined) return [`${INDENT}${text}`];
  const room = Math.max(20, columns - INDENT.length);
  return wrap(text, room, hang).map((line) => `${INDENT}${line}`);
}

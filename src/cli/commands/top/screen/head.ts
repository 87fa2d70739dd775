import type { Health } from '../../../../app/running-tunnels/health.ts';
import { formatBytes, formatDuration } from '../../../../core/quantities.ts';
import { cellText, cutOff } from '../../../rendering/display-width.ts';
import { fitLines } from '../../../rendering/fit-lines.ts';
import { markOf } from '../../../rendering/status-text.ts';
import type { TopDocument, TopTunnel } from '../document/top-document.ts';
import type { Style } from './style.ts';

/** So many tunnels have a line each; the others are counted. */
const MAX_TUNNELS = 6;

/** How the head is shown. */
interface HeadStyle extends Style {
  /** Where it may be as long as it is, what is wider than the screen is broken between words, not cut off: remedies are there to be copied. */
  readonly isBroken?: boolean;
}

/** What to type for what there is no room for. */
const ALL_OF_IT = 'tshuttle status has all of it';

/**
 * How the tunnels are, what is wrong with them and what to do; nothing is wider than the screen.
 *
 * @param room how many lines there may be: what is wrong gives way to how the others are, and that it does is said
 */
export function headLines(
  document: TopDocument,
  style: HeadStyle,
  room = Number.POSITIVE_INFINITY,
): readonly string[] {
  for (let told = document.tunnels.length; ; told -= 1) {
    const lines = linesWithTroubles(document, style, told);
    if (lines.length <= room) return lines;
    if (document.tunnels.length === 1 || room === 1) return lines.slice(0, room);
    const left = `${lines.length - room + 1} lines more: ${ALL_OF_IT}`;
    if (told === 0) return [...lines.slice(0, room - 1), plain(left, style)];
  }
}

/** @param told of how many tunnels, the first ones, it is said what is wrong */
function linesWithTroubles(document: TopDocument, style: HeadStyle, told: number): readonly string[] {
  const { tunnels, down, silent } = document;
  const one = tunnels.length === 1 && down.length === 0 ? tunnels[0] : undefined;
  const shown = tunnels.slice(0, MAX_TUNNELS);
  const more = tunnels.length - shown.length;
  const isShort = shown.slice(told).some((tunnel) => troubleLines(tunnel, style).length > 0);
  const lines = [
    ...shown.flatMap((tunnel, place) => [
      ...(one === undefined ? [briefLine(tunnel, document, style)] : detailLines(one, document, style)),
      ...(place < told ? troubleLines(tunnel, style) : []),
    ]),
    ...down.map((name) => marked('down', `${name}  not up -> tshuttle up ${name}`, style)),
    ...silent.map(({ pid, path, reason }) =>
      plain(`! ${pid === undefined ? path : `process ${pid}`}: ${reason}`, style),
    ),
    ...(more > 0 ? [plain(`${more} more tunnels`, style)] : []),
    ...failureLine(document, style),
    ...(isShort ? [style.colours.yellow(plain(`what is wrong, and what to do: ${ALL_OF_IT}`, style))] : []),
  ];
  return tunnels.length + down.length + silent.length === 0
    ? [plain('no tunnel is up', style), ...lines]
    : lines;
}

function detailLines(tunnel: TopTunnel, document: TopDocument, style: HeadStyle): readonly string[] {
  const { status, name, word } = tunnel;
  if (status === null) return [marked(tunnel.health, `${name}  ${word}`, style)];
  const roundTrip = status.roundTripMs === null ? '' : `, round trip ${status.roundTripMs.toFixed(1)} ms`;
  const held = status.flows.held === 0 ? '' : `, ${status.flows.held} waiting`;
  const again =
    status.reconnects === 0
      ? ''
      : `; connected again ${status.reconnects} ${status.reconnects === 1 ? 'time' : 'times'}`;
  const open = `${status.flows.now - status.flows.held} open${held}, ${status.flows.total} so far`;
  const moved = `${formatBytes(status.bytesUp)} up, ${formatBytes(status.bytesDown)} down`;
  return [
    marked(
      tunnel.health,
      `${name}  ${word} ${since(tunnel, document)}, ${status.bastion}${roundTrip}`,
      style,
    ),
    plain(`${open}; ${moved}${again}`, style),
  ];
}

function briefLine(tunnel: TopTunnel, document: TopDocument, style: HeadStyle): string {
  const { status, name, word, health, upBytesPerSec, downBytesPerSec } = tunnel;
  if (status === null) return marked(health, `${name}  ${word}`, style);
  const parts = [
    `${word} ${since(tunnel, document)}`,
    `${status.flows.now - status.flows.held} open`,
    ...(status.flows.held === 0 ? [] : [`${status.flows.held} waiting`]),
    `${formatBytes(upBytesPerSec)}/s up, ${formatBytes(downBytesPerSec)}/s down`,
    ...(status.roundTripMs === null ? [] : [`round trip ${status.roundTripMs.toFixed(1)} ms`]),
    status.bastion,
  ];
  return marked(health, `${name}  ${parts.join(', ')}`, style);
}

function since({ status }: TopTunnel, { atMs }: TopDocument): string {
  return formatDuration(atMs - (status?.state.sinceMs ?? atMs));
}

/** What keeps it from working now, and what to do; the rest is told by `status`. */
function troubleLines({ problems }: TopTunnel, style: HeadStyle): readonly string[] {
  const [worst] = problems.filter(({ level }) => level === 'problem');
  if (worst === undefined) return [];
  return [
    style.colours.yellow(plain(`! ${worst.what}`, style)),
    ...(worst.remedy === null ? [] : [style.colours.yellow(plain(`  -> ${worst.remedy}`, style))]),
  ];
}

function failureLine({ failures, totals }: TopDocument, style: HeadStyle): readonly string[] {
  if (totals.failures === 0) return [];
  const byCause = new Map<string, number>();
  for (const { what, count } of failures) byCause.set(what, (byCause.get(what) ?? 0) + count);
  const causes = [...byCause].sort(([, one], [, other]) => other - one);
  const words = causes.map(([what, count]) => `${count} ${what}`).join('; ');
  return [style.colours.yellow(plain(`${totals.failures} failed: ${words}`, style))];
}

const COLOURS: Readonly<Record<Health, 'green' | 'yellow' | 'red'>> = {
  up: 'green',
  connecting: 'yellow',
  'works-badly': 'yellow',
  'needs-you': 'red',
  down: 'red',
};

function marked(health: Health, text: string, style: HeadStyle): string {
  const colour = style.colours[COLOURS[health]];
  const mark = markOf(health, style);
  return plain(`${mark} ${text}`, style).replace(mark, colour(mark));
}

function plain(text: string, { columns, isBroken, hasUnicode }: HeadStyle): string {
  const line = cellText(text, hasUnicode);
  if (columns === undefined) return line;
  return isBroken === true ? fitLines(line, columns) : cutOff(line, columns);
}

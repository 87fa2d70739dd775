import { COLUMNS, type Run, type Style, TERMINALS } from './screen.ts';
import type { Content, Span } from './spans.ts';

const FONT_SIZE = 14;
const CELL_WIDTH = 8.4;
const ROW_HEIGHT = 18;
const MARGIN = 14;
const PADDING = 12;
const CAPTION_HEIGHT = 34;
const TITLE_HEIGHT = 24;
const BASELINE = 13.5;

const BACKGROUND = '#0f1217';
const WINDOW = '#191d24';
const TEXT = '#d5dae2';
const COLOURS = [
  ...['#3b4252', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#abb2bf'],
  ...['#5c6370', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#ffffff'],
];

const WINDOW_WIDTH = COLUMNS * CELL_WIDTH + 2 * PADDING;
const WIDTH = WINDOW_WIDTH + 2 * MARGIN;
const heightOf = (rows: number): number => TITLE_HEIGHT + rows * ROW_HEIGHT + PADDING;
/** Where the windows begin. */
const TOPS = TERMINALS.map((_terminal, index) =>
  TERMINALS.slice(0, index).reduce((top, { rows }) => top + heightOf(rows) + MARGIN, MARGIN + CAPTION_HEIGHT),
);
const HEIGHT = TOPS.at(-1)! + heightOf(TERMINALS.at(-1)!.rows) + MARGIN;

/** A moving picture: what it shows, and how long it takes before it begins again. */
export interface Picture {
  readonly spans: readonly Span[];
  readonly endMs: number;
  /** The moment that is shown where nothing moves. */
  readonly stillMs: number;
  /** For those who cannot see it. */
  readonly title: string;
  readonly description: string;
}

/**
 * Draws it as an SVG that moves by CSS alone, which GitHub shows (native-notes/moving-svg.md). Each run of text has its
 * place and its width, so that the columns are right in any font.
 */
export function drawPicture({ spans, endMs, stillMs, title, description }: Picture): string {
  const percent = (ms: number): string => `${Number(((100 * ms) / endMs).toFixed(2))}%`;
  const names = new Map<string, string>();
  const nameOf = ({ fromMs, toMs }: Span): string => {
    const key = `${fromMs} ${toMs}`;
    if (!names.has(key)) names.set(key, `s${names.size}`);
    return names.get(key)!;
  };
  const drawn = spans.map((span) => {
    const isStill = span.fromMs <= stillMs && stillMs < span.toMs;
    return `<g class="${isStill ? 'p' : 'm'} ${nameOf(span)}"${drawContent(span.content)}</g>`;
  });
  const rules = [...names].map(([key, name]) => {
    const [fromMs, toMs] = key.split(' ').map(Number) as [number, number];
    const appears =
      fromMs <= 0 ? '0%{visibility:visible}' : `0%{visibility:hidden}${percent(fromMs)}{visibility:visible}`;
    const goes = toMs >= endMs ? 'to{visibility:visible}' : `${percent(toMs)},to{visibility:hidden}`;
    return `@keyframes ${name}{${appears}${goes}}.${name}{animation-name:${name}}`;
  });
  const colours = COLOURS.map((colour, index) => `.c${index}{fill:${colour}}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
<title>${escapeXml(title)}</title>
<desc>${escapeXml(description)}</desc>
<style>
text{font-size:${FONT_SIZE}px;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:${TEXT}}
.h{font-size:17px;font-weight:600;font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:#fff}.t{font-size:12px;fill:#7d8590}
.b{font-weight:bold}.d{opacity:.6}.i{fill:${WINDOW}}
${colours.join('')}
.m{visibility:hidden}.m,.p{animation:${Math.round(endMs)}ms step-end infinite}
${rules.join('\n')}
@media (prefers-reduced-motion:reduce){.m,.p{animation:none}}
</style>
<rect width="100%" height="100%" rx="12" fill="${BACKGROUND}"/>
${TERMINALS.map(({ title: name, rows }, index) => drawWindow(name, rows, TOPS[index]!)).join('\n')}
${drawn.join('\n')}
</svg>
`;
}

function drawWindow(name: string, rows: number, top: number): string {
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (colour, index) =>
      `<circle cx="${MARGIN + PADDING + 4 + 16 * index}" cy="${top + 12}" r="4.5" fill="${colour}"/>`,
  );
  return `<rect x="${MARGIN}" y="${top}" width="${WINDOW_WIDTH}" height="${heightOf(rows)}" rx="8" fill="${WINDOW}" stroke="#30363d"/>${dots.join('')}<text class="t" x="${WIDTH / 2}" y="${top + 16}" text-anchor="middle">${name}</text>`;
}

/** The rest of a group's opening tag, and what is in it. */
function drawContent(content: Content): string {
  if (content.kind === 'caption')
    return `><text class="h" x="${WIDTH / 2}" y="${MARGIN + 18}" text-anchor="middle">${escapeXml(content.text)}</text>`;
  const { terminal, row, runs, cursorColumn } = content;
  const top = TOPS[terminal]! + TITLE_HEIGHT + row * ROW_HEIGHT;
  const cursor =
    cursorColumn === undefined
      ? ''
      : `<rect x="${at(cursorColumn)}" y="1" width="${CELL_WIDTH}" height="16" fill="${TEXT}" opacity=".7"/>`;
  return ` transform="translate(${MARGIN + PADDING} ${top})">${runs.map(drawRun).join('')}${cursor}`;
}

/** Where a column begins. */
const at = (column: number): number => Number((column * CELL_WIDTH).toFixed(1));

const BLOCKS = /[▁-█]/;

function drawRun({ column, text, style }: Run): string {
  const background = style.isInverse
    ? `<rect x="${at(column)}" width="${at(text.length)}" height="${ROW_HEIGHT}" fill="${TEXT}"/>`
    : '';
  if (BLOCKS.test(text)) return background + drawBlocks(column, text, style);
  // What stands apart has its own place.
  const words = [...text.matchAll(/\S+(?: \S+)*/g)];
  return background + words.map(({ 0: word, index }) => drawWords(column + index, word, style)).join('');
}

function drawWords(column: number, words: string, style: Style): string {
  // A font may lack a character; then another one, with other widths, has it.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  const isAscii = /^[\x00-\x7f]*$/.test(words);
  const x = isAscii ? at(column) : [...words].map((_letter, index) => at(column + index)).join(' ');
  const length = isAscii && words.length > 1 ? ` textLength="${at(words.length)}"` : '';
  return `<text${classesOf(style)} x="${x}" y="${BASELINE}"${length}>${escapeXml(words)}</text>`;
}

/** Bars of a graph, whose rows touch whatever the font. */
function drawBlocks(column: number, text: string, style: Style): string {
  const bars = [...text].map((letter, index) => {
    if (letter === ' ') return '';
    const height = ((letter.codePointAt(0)! - 0x2580) * ROW_HEIGHT) / 8;
    return `M${at(column + index)} ${ROW_HEIGHT}v-${height}h${CELL_WIDTH}v${height}z`;
  });
  return `<path${classesOf(style)} d="${bars.join('')}"/>`;
}

function classesOf({ colour, isBold, isDim, isInverse }: Style): string {
  const classes = [
    ...(colour === undefined ? [] : [`c${colour}`]),
    ...(isBold ? ['b'] : []),
    ...(isDim ? ['d'] : []),
    ...(isInverse ? ['i'] : []),
  ];
  return classes.length === 0 ? '' : ` class="${classes.join(' ')}"`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { TmuxTerminal } from '../../../support/lab/tmux-terminal.ts';
import { type CommandResult, mustRun, runCommand } from '../../../support/process/child.ts';
import type { Home } from '../entry.ts';

const FOLDER = fileURLToPath(new URL('../../../../bin', import.meta.url));

/** The sizes of terminals. */
export const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 35 },
  { columns: 200, rows: 50 },
] as const;

type Size = (typeof SIZES)[number];

/** Colours of SGR and all else that a terminal obeys. */
const ESCAPE = '\x1b';

/** What a terminal shows at the end of a command. */
interface Screen {
  /** All that was written, as it stands there. */
  readonly rows: readonly string[];
  readonly isColoured: boolean;
  readonly code: number;
}

/** What is expected of a command, beside what holds for all of them. */
export interface Expected {
  readonly code?: number;
  /** Whether it has colours on a terminal that shows them. */
  readonly isColoured?: boolean;
  /** The first row that is the same on every machine. */
  readonly from?: RegExp;
  /** The command changes what the next one finds. */
  readonly isInTurn?: boolean;
  /** A narrow terminal leaves something out, or has it in another order. */
  readonly isShortened?: boolean;
}

/** The environment of a command on a terminal that shows symbols. */
export function environmentOf(
  home: Home,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const environment = home.environment('up', { LANG: 'C.UTF-8', WT_SESSION: 'of Windows Terminal', ...more });
  return { ...environment, PATH: `${FOLDER}:${environment['PATH']}` };
}

/** Opens a real terminal in which a line of a shell runs. */
export async function openTerminal(
  home: Home,
  line: string,
  size: Size = SIZES[0],
  more: Readonly<Record<string, string>> = {},
): Promise<TmuxTerminal> {
  terminals += 1;
  // What tmux says of itself is not all that there are terminals.
  const term = more['TERM'] === undefined ? '' : `export TERM=${more['TERM']}; `;
  const place = { directory: home.path, client: { must: mustRun } };
  // The shell outlives Ctrl-C.
  const shell = [
    'sh',
    '-c',
    `trap : INT; ${term}${line}; printf '<ended with %s>' $?; tmux wait-for -S ended; exec sleep 60`,
  ];
  return await TmuxTerminal.open(place, {
    ...{ name: String(terminals), ...size, shell },
    env: environmentOf(home, more),
  });
}

let terminals = 0;

async function onTerminal(
  home: Home,
  line: string,
  size: Size,
  more: Readonly<Record<string, string>> = {},
): Promise<Screen> {
  await using terminal = await openTerminal(home, line, size, more);
  await terminal.said('ended');
  await terminal.shows(/<ended with \d+>/);
  const { rows, lines, coloured } = await terminal.everything();
  expect(rows, `no line of ${line} is cut at ${size.columns} columns`).toEqual(lines);
  const [, code] = /<ended with (\d+)>/.exec(rows.at(-1)!)!;
  return { rows: rows.slice(0, -1), isColoured: coloured.includes(ESCAPE), code: Number(code) };
}

/** Runs a line of a shell through pipes. COLUMNS, which shells export, is of no account there. */
export async function throughPipe(home: Home, line: string): Promise<CommandResult> {
  return await runCommand(['sh', '-c', line], { env: environmentOf(home, { COLUMNS: '40' }) });
}

/**
 * Runs a line of a shell with the real command in a real terminal of three sizes, in one without colours, in one that moves no cursor,
 * and through pipes, and expects that it ends alike everywhere, that no line is cut, that the same is said, word by word, and that there
 * are no escape sequences where there should be none.
 *
 * @returns what was shown, for a snapshot
 */
export async function showEverywhere(home: Home, line: string, expected: Expected = {}): Promise<string> {
  const { code = 0, isColoured = false, from, isShortened = false, isInTurn = false } = expected;
  const shown = (rows: readonly string[]): string => {
    const first = from === undefined ? 0 : rows.findIndex((row) => from.test(row));
    expect(first, rows.join('\n')).toBeGreaterThanOrEqual(0);
    return rows.slice(first).join('\n').replaceAll(home.path, '/tmp/tshuttle-cli-abcdef');
  };
  const piped = await throughPipe(home, line);
  expect(piped, piped.stderr).toMatchObject({ code });
  const said = piped.stdout + piped.stderr;
  expect(said).not.toContain(ESCAPE);
  const text = shown(said.trimEnd().split('\n'));

  const [narrow] = SIZES;
  const looks: ReadonlyArray<() => Promise<string>> = [
    ...SIZES.map((size) => async () => {
      const screen = await onTerminal(home, line, size);
      expect(screen).toMatchObject({ code, isColoured });
      const page = shown(screen.rows);
      if (!isShortened || size.columns === 200) expect(wordsOf(page)).toEqual(wordsOf(text));
      return `# ${size.columns}x${size.rows}\n${page === text ? 'the same' : page}`;
    }),
    ...[{ NO_COLOR: '1' }, { TERM: 'dumb' }].map((plain) => async () => {
      const screen = await onTerminal(home, line, narrow, plain);
      expect(screen, JSON.stringify(plain)).toMatchObject({ code, isColoured: false });
      const page = shown(screen.rows);
      return `# 80x24\n${page === text ? 'the same' : page}`;
    }),
  ];
  const pages: string[] = [];
  if (isInTurn) for (const look of looks) pages.push(await look());
  else pages.push(...(await Promise.all(looks.map((look) => look()))));
  const [withoutColour, dumb] = pages.splice(SIZES.length);
  expect(withoutColour).toBe(pages[0]);
  expect(dumb).toBe(pages[0]);
  return `${[`$ ${line}\n# through a pipe\n${text}`, ...pages].join('\n\n')}\n`;
}

function wordsOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Expects the snapshot of a point, which `vitest -u` writes anew. */
export async function expectSnapshot(pages: readonly string[], name: string): Promise<void> {
  await expect(pages.join(`${'='.repeat(80)}\n`)).toMatchFileSnapshot(
    join(import.meta.dirname, 'shown', `${name}.txt`),
  );
}

/** Expects that each of the texts is said, however it is broken into lines. */
export function expectSaid(text: string, parts: readonly (string | null)[]): void {
  const said = wordsOf(text).join(' ');
  for (const part of parts) if (part !== null) expect(said).toContain(wordsOf(part).join(' '));
}

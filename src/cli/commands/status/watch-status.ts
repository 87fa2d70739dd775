import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { HEALTHS } from '../../../app/running-tunnels/health.ts';
import type { TunnelsNow } from '../../../app/running-tunnels/tunnel-views.ts';
import type { Stop } from '../../../app/stop.ts';
import { CLOSE_SCREEN, OPEN_SCREEN, redrawn } from '../../rendering/live-screen.ts';
import { type Look, lookOf } from '../../rendering/terminal.ts';

/** How often a look is taken: a connection to each process, which answers in some ms. */
const INTERVAL_MS = 1_000;

/** q, Ctrl-C, Ctrl-D and Esc, as a terminal sends them: one byte alone, which no cursor key is. */
const QUITS: ReadonlySet<number> = new Set([0x71, 0x03, 0x04, 0x1b]);

/** Dependencies of {@link watchStatus}. */
interface WatchContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stop: Stop;
  readonly print: (text: string) => void;
  /** Takes a look. */
  readonly look: () => Promise<TunnelsNow>;
  readonly render: (now: TunnelsNow, look: Look) => string;
  /** `screen`: for people; `line`: told again when it is another one. */
  readonly shows: 'screen' | 'json' | 'line';
}

/**
 * Shows how the tunnels are until the user has seen enough: on a terminal always the latest, elsewhere, and where the
 * terminal moves no cursor, once more whenever something has changed but ages and counts.
 *
 * @returns the exit code: that of the last look, or of the end that was asked for
 */
export async function watchStatus(context: WatchContext): Promise<number> {
  const movesCursor = process.stdout.isTTY === true && context.environment['TERM'] !== 'dumb';
  const isLive = context.shows === 'screen' && movesCursor;
  const health = isLive ? await showLive(context) : await printChanges(context);
  return context.stop.signal.aborted ? await context.stop.requested : HEALTHS.indexOf(health);
}

async function printChanges(context: WatchContext): Promise<TunnelsNow['health']> {
  const { stop, print, look, render, environment, shows } = context;
  let shown: unknown;
  for (;;) {
    const now = await look();
    const text = render(now, lookOf(environment));
    const essence = shows === 'line' ? text : essenceOf(now);
    if (!isDeepStrictEqual(essence, shown)) print(text);
    shown = essence;
    if (!(await hasTimePassed(stop.signal))) return now.health;
  }
}

/** What is worth telling anew when it has changed. */
function essenceOf({ tunnels, silent, down }: TunnelsNow): unknown {
  return {
    tunnels: tunnels.map(({ name, pid, captured, health, status, problems }) => ({
      ...{ name, pid, captured, health, bastion: status?.bastion, state: status?.state.kind },
      problems: problems.map(({ kind, level, remedy }) => ({ kind, level, remedy })),
    })),
    silent,
    down,
  };
}

async function showLive({ stop, look, render, environment }: WatchContext): Promise<TunnelsNow['health']> {
  const { stdin, stdout } = process;
  const end = new AbortController();
  const signal = AbortSignal.any([stop.signal, end.signal]);
  // The terminal sends no signal while it is read key by key.
  const onKeys = (keys: Buffer): void => {
    if (keys.length === 1 && QUITS.has(keys[0]!)) end.abort();
  };
  const readsKeys = stdin.isTTY === true;
  if (readsKeys) stdin.setRawMode(true).on('data', onKeys);
  stdout.write(OPEN_SCREEN);
  try {
    for (;;) {
      const now = await look();
      // A terminal that has not taken the last screen yet gets the next one instead of all between.
      if (stdout.writableLength === 0)
        stdout.write(redrawn(screenOf(render(now, lookOf(environment)), readsKeys)));
      if (!(await hasTimePassed(signal))) return now.health;
    }
  } finally {
    stdout.write(CLOSE_SCREEN);
    if (readsKeys) {
      stdin.off('data', onKeys).setRawMode(false);
      stdin.pause();
    }
  }
}

/** As many lines as there is room for, and how to end it. */
function screenOf(text: string, readsKeys: boolean): readonly string[] {
  const lines = text.trimEnd().split('\n');
  const room = Math.max(1, (process.stdout.rows ?? 24) - 2);
  const shown =
    lines.length <= room ? lines : [...lines.slice(0, room - 1), `${lines.length - room + 1} more lines`];
  return [...shown, '', readsKeys ? 'q quit' : 'Ctrl-C quits'].slice(0, room + 2);
}

/** @returns false where it is to end */
async function hasTimePassed(signal: AbortSignal): Promise<boolean> {
  try {
    await wait(INTERVAL_MS, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

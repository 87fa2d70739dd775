import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ProcessContext } from '../../../app/process-context.ts';
import { HEALTHS } from '../../../app/running-tunnels/health.ts';
import type { TunnelsNow } from '../../../app/running-tunnels/tunnel-views.ts';
import type { Key } from '../../rendering/keys.ts';
import { canDraw, LiveScreen } from '../../rendering/live-screen.ts';
import { type Look, lookOf } from '../../rendering/terminal.ts';

/** How often a look is taken: a connection to each process, which answers in some ms. */
const INTERVAL_MS = 1_000;

const QUITS: ReadonlySet<Key> = new Set(['q', 'ctrl-c', 'ctrl-d', 'escape']);

/** Dependencies of {@link watchStatus}. */
interface WatchContext {
  readonly process: Pick<ProcessContext, 'environment' | 'stop' | 'reportFailure'>;
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
  const { environment, stop } = context.process;
  const isLive = context.shows === 'screen' && canDraw(environment);
  const health = isLive ? await showLive(context) : await printChanges(context);
  return stop.signal.aborted ? await stop.requested : HEALTHS.indexOf(health);
}

async function printChanges(context: WatchContext): Promise<TunnelsNow['health']> {
  const { print, look, render, shows } = context;
  const { stop, environment } = context.process;
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

async function showLive(context: WatchContext): Promise<TunnelsNow['health']> {
  const { look, render } = context;
  const { stop, environment } = context.process;
  const end = new AbortController();
  const signal = AbortSignal.any([stop.signal, end.signal]);
  let now = await look();
  const redraw = (): void => screen.draw(screenOf(render(now, lookOf(environment)), screen.readsKeys));
  const screen = new LiveScreen(context.process, {
    onKey: (key) => void (QUITS.has(key) && end.abort()),
    onChanged: () => redraw(),
    onGone: () => end.abort(),
  });
  try {
    for (;;) {
      redraw();
      if (!(await hasTimePassed(signal))) return now.health;
      now = await look();
    }
  } finally {
    screen.close();
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

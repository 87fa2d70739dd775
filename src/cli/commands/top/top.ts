import { emitKeypressEvents, type Key } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import pc from 'picocolors';
import { EXIT_STOPPED } from '../../../app/exit-code.ts';
import { type RunningTunnelHandle, RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import type { Stop } from '../../../app/stop.ts';
import { TshuttleError } from '../../../core/errors.ts';
import { MAX_LISTED } from '../../../daemon/control/protocol.ts';
import type { DaemonSurroundings } from '../../../daemon/files/paths.ts';
import { CLOSE_SCREEN, OPEN_SCREEN, redrawn } from '../../rendering/live-screen.ts';
import { hasUnicode } from '../../rendering/terminal.ts';
import { type Order, orderOf } from './order.ts';
import { Rates } from './rates.ts';
import { drawScreen, type ScreenSize } from './screen.ts';

/** How often a look is taken. Every flow is told each time: at 10,000 of them a few percent of a core. */
const INTERVAL_MS = 1_000;

/** A terminal that does not say its size. */
const USUAL_SIZE = { columns: 80, rows: 24 };

/** Dependencies of {@link top}. */
export interface TopContext {
  readonly surroundings: DaemonSurroundings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** On a terminal, until the user has seen enough; else one look. */
  readonly isLive: boolean;
  readonly print: (text: string) => void;
  readonly stop: Stop;
}

/** What the user has chosen by keys. */
interface View {
  order: Order;
  index: number;
}

/**
 * Shows what a tunnel does: throughput, round trip, flows.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_USAGE when there is no such tunnel
 */
export async function top(name: string | undefined, context: TopContext): Promise<number> {
  const running = await RunningTunnels.find(context.surroundings);
  try {
    if (running.all.length === 0 && name === undefined) {
      throw new TshuttleError('ERR_USAGE', 'no tunnel is up', {
        remedy: 'start one: tshuttle -r BASTION SUBNET',
      });
    }
    const first = name === undefined ? running.all[0]! : await running.mustBeNamed(name, context.environment);
    const view: View = { order: 'rate', index: running.all.indexOf(first) };
    if (context.isLive) await live(running.all, view, context);
    else await once(running.all, view, context);
    return context.stop.signal.aborted ? await context.stop.requested : EXIT_STOPPED;
  } finally {
    running.close();
  }
}

/** Two looks, so that there are rates, and one screen. */
async function once(all: readonly RunningTunnelHandle[], view: View, context: TopContext): Promise<void> {
  const rates = new Rates();
  const size = screenSize(context.environment);
  await poll(all, view, rates, size);
  await wait(INTERVAL_MS, undefined, { signal: context.stop.signal }).catch(() => {}); // stopped: shown at once
  const lines = await poll(all, view, rates, { ...size, rows: Number.POSITIVE_INFINITY });
  context.print(`${lines.join('\n')}\n`);
}

async function live(
  all: readonly RunningTunnelHandle[],
  view: View,
  { stop, environment }: TopContext,
): Promise<void> {
  const { stdin, stdout } = process;
  const end = new AbortController();
  const signal = AbortSignal.any([stop.signal, end.signal]);
  const perTunnel = all.map(() => new Rates());
  let wake = new AbortController();
  const onKey = (_text: string | undefined, { name = '', ctrl = false }: Key): void => {
    if (name === 'q' || (ctrl && (name === 'c' || name === 'd'))) end.abort();
    if (name === 'tab') view.index = (view.index + 1) % all.length;
    view.order = orderOf(name) ?? view.order;
    wake.abort();
  };
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on('keypress', onKey);
  stdin.resume();
  const onResize = (): void => wake.abort();
  stdout.on('resize', onResize);
  stdout.write(OPEN_SCREEN);
  try {
    while (!signal.aborted) {
      const size = screenSize(environment);
      const lines = await poll(all, view, perTunnel[view.index]!, size);
      // A terminal that has not taken the last screen yet gets the next one instead of all between.
      if (stdout.writableLength === 0) stdout.write(redrawn(lines));
      wake = new AbortController();
      await wait(INTERVAL_MS, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => {}); // a key
    }
  } finally {
    stdout.write(CLOSE_SCREEN);
    stdout.off('resize', onResize);
    stdin.off('keypress', onKey);
    stdin.setRawMode(false);
    stdin.pause();
  }
}

async function poll(
  all: readonly RunningTunnelHandle[],
  view: View,
  rates: Rates,
  size: ScreenSize,
): Promise<readonly string[]> {
  const { client, report: known } = all[view.index]!;
  const answer = await client.ask({ type: 'status' });
  const tunnels = answer.type === 'status' ? answer.tunnels : [];
  const report = tunnels.find(({ name }) => name === known.name);
  if (report === undefined) throw new TshuttleError('ERR_USAGE', `${known.name} is not up any more`);
  const listed = await client.ask({ type: 'flows', name: known.name, limit: MAX_LISTED });
  const flows = listed.type === 'flows' ? listed.flows : [];
  const moving = rates.sample(performance.now(), report.status ?? { bytesUp: 0, bytesDown: 0 }, flows);
  return drawScreen(
    {
      report,
      tunnels: { count: all.length, index: view.index },
      history: rates.history,
      flows: moving,
      order: view.order,
      nowMs: Date.now(),
    },
    size,
  );
}

function screenSize(environment: TopContext['environment']): ScreenSize {
  const { columns = USUAL_SIZE.columns, rows = USUAL_SIZE.rows } = process.stdout;
  return { columns, rows: rows - 1, hasUnicode: hasUnicode(environment), colours: pc };
}

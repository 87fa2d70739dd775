import { setTimeout as wait } from 'node:timers/promises';
import { EXIT_STOPPED } from '../../../app/exit-code.ts';
import type { ProcessContext } from '../../../app/process-context.ts';
import { ALL_PROCESSES, FlowPrograms } from '../../../app/running-tunnels/flow-programs.ts';
import { howToStart } from '../../../app/running-tunnels/what-there-is.ts';
import { TshuttleError } from '../../../core/errors.ts';
import { canDraw } from '../../rendering/live-screen.ts';
import { coloursOf, lookOf } from '../../rendering/terminal.ts';
import type { TopDocument } from './document/top-document.ts';
import { LOOK_INTERVAL_MS, TunnelLooks } from './document/tunnel-looks.ts';
import { drawOnce } from './screen/screen.ts';

/** Dependencies of {@link top}. */
export interface TopContext {
  readonly process: Pick<ProcessContext, 'environment' | 'stop' | 'reportFailure'>;
  /** One look, also on a terminal. */
  readonly isOnce: boolean;
  readonly print: (text: string) => void;
}

/**
 * Shows what tunnels do: throughput, round trip, flows and their programs. On a terminal until the user has seen enough; elsewhere, and where
 * the terminal moves no cursor, once.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_USAGE when there is no such tunnel
 */
export async function top(
  name: string | undefined,
  { process: context, isOnce, print }: TopContext,
): Promise<number> {
  const { environment, stop } = context;
  const looks = new TunnelLooks(name === undefined ? [] : [name], environment);
  const first = await looks.look();
  if (first.tunnels.length === 0) await refuseNone(name, environment);
  if (!isOnce && canDraw(environment) && process.stdin.isTTY === true) {
    const { showLive } = await import('./live.ts');
    await showLive(first, { looks, process: context });
  } else {
    print(await tableOf(first, looks, context));
  }
  return stop.signal.aborted ? await stop.requested : EXIT_STOPPED;
}

/** Two looks, so that there are rates, and one table. */
async function tableOf(
  first: TopDocument,
  looks: Pick<TunnelLooks, 'look'>,
  { environment, stop }: TopContext['process'],
): Promise<string> {
  const programs = FlowPrograms.open(first.tunnels.map(({ pid }) => pid));
  try {
    await wait(LOOK_INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => {}); // stopped: shown at once
    const document = await looks.look();
    await programs?.look(document.flows, ALL_PROCESSES);
    const look = lookOf(environment);
    const { columns, hasUnicode } = look;
    const lines = drawOnce(
      {
        document,
        historyOf: () => [],
        ownerOf: programs && ((flow) => programs.ownerOf(flow)),
      },
      { columns, hasUnicode, colours: coloursOf(look) },
    );
    return `${lines.join('\n')}\n`;
  } finally {
    programs?.close();
  }
}

async function refuseNone(
  name: string | undefined,
  environment: ProcessContext['environment'],
): Promise<never> {
  if (name === undefined)
    throw new TshuttleError('ERR_USAGE', 'no tunnel is up', {
      remedy: await howToStart(environment),
    });
  const { notUp } = await import('../../../app/running-tunnels/unknown-tunnel.ts');
  throw notUp(name, { command: 'top', up: [], environment });
}

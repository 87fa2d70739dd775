import { setTimeout as wait } from 'node:timers/promises';
import { ALL_PROCESSES, FlowPrograms } from '../../../../app/running-tunnels/flow-programs.ts';
import { HEALTHS } from '../../../../app/running-tunnels/health.ts';
import type { Stop } from '../../../../app/stop.ts';
import type { TopDocument } from './top-document.ts';
import { LOOK_INTERVAL_MS, type TunnelLooks } from './tunnel-looks.ts';
import { withPrograms } from './with-programs.ts';

/** Dependencies of {@link printDocuments}. */
interface PrintContext {
  readonly looks: Pick<TunnelLooks, 'look'>;
  readonly print: (text: string) => void;
  readonly stop: Stop;
}

/**
 * Prints the document of a look as a line: of the second one, since the first knows no rates; or, until it is to end, of each.
 *
 * @returns the exit code: that of `status` for the last one, or of the end that was asked for
 * @throws TshuttleError ERR_USAGE for a name that no tunnel and no profile has
 */
export async function printDocuments(
  how: 'once' | 'until stopped',
  { looks, print, stop }: PrintContext,
): Promise<number> {
  let document = await looks.look();
  const programs = FlowPrograms.open(document.tunnels.map(({ pid }) => pid));
  const tell = async (): Promise<void> =>
    print(`${JSON.stringify(await withPrograms(document, programs, ALL_PROCESSES))}\n`);
  const isMoving = ({ tunnels }: TopDocument): boolean => tunnels.some(({ status }) => status !== null);
  try {
    if (how === 'until stopped') {
      while (await hasTimePassed(stop)) {
        document = await looks.look();
        await tell();
      }
    } else {
      if (isMoving(document) && (await hasTimePassed(stop))) document = await looks.look();
      await tell();
    }
  } finally {
    programs?.close();
  }
  return stop.signal.aborted ? await stop.requested : HEALTHS.indexOf(document.health);
}

/** @returns false where it is to end */
async function hasTimePassed({ signal }: Pick<Stop, 'signal'>): Promise<boolean> {
  return await wait(LOOK_INTERVAL_MS, true, { signal }).catch(() => false);
}

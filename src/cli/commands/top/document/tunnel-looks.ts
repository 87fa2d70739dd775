import type { ProcessContext } from '../../../../app/process-context.ts';
import { type RunningTunnelHandle, RunningTunnels } from '../../../../app/running-tunnels/running-tunnels.ts';
import {
  describeFound,
  refuseUnknown,
  type TunnelView,
} from '../../../../app/running-tunnels/tunnel-views.ts';
import { surroundingsOf } from '../../../../app/running-tunnels/user-folders.ts';
import type { Answer, Ask } from '../../../../daemon/control/client.ts';
import { MAX_LISTED } from '../../../../daemon/control/protocol.ts';
import { Rates } from '../rates.ts';
import { type TopDocument, type TunnelLook, topDocument } from './top-document.ts';

/** Between two looks, in ms. */
export const LOOK_INTERVAL_MS = 1_000;

/** Counters that were read longer ago say nothing of how fast it moves now. */
const FORGOTTEN_MS = 5 * LOOK_INTERVAL_MS;

/** Looks at tunnels again and again: each look finds them anew, so that they may end, and others be started, meanwhile. */
export class TunnelLooks {
  readonly #names: readonly string[];
  readonly #environment: ProcessContext['environment'];
  #rates = new Map<string, Rates>();
  #lastAtMs: number | undefined;

  /** @param names of the tunnels; without names all */
  constructor(names: readonly string[], environment: ProcessContext['environment']) {
    this.#names = names;
    this.#environment = environment;
  }

  /** @throws TshuttleError ERR_USAGE, at the first look, for a name that no tunnel and no profile has */
  async look(): Promise<TopDocument> {
    const running = await RunningTunnels.find(surroundingsOf(this.#environment));
    try {
      if (this.#lastAtMs === undefined)
        await refuseUnknown(this.#names, running, { command: 'top', environment: this.#environment });
      const { now, handles } = describeFound(this.#names, running);
      const atMs = performance.now();
      const isLate = this.#lastAtMs === undefined || atMs - this.#lastAtMs > FORGOTTEN_MS;
      const before = isLate ? new Map<string, Rates>() : this.#rates;
      this.#rates = new Map();
      this.#lastAtMs = atMs;
      const looks = await Promise.all(
        now.tunnels.map((view, index) => {
          const key = `${view.pid} ${view.name}`;
          const rates = before.get(key) ?? new Rates();
          this.#rates.set(key, rates);
          return lookAtFlows(view, handles[index]!, rates, atMs);
        }),
      );
      return topDocument(now, looks, Date.now());
    } finally {
      running.close();
    }
  }
}

async function lookAtFlows(
  view: TunnelView,
  { client }: RunningTunnelHandle,
  rates: Rates,
  atMs: number,
): Promise<TunnelLook> {
  const { name } = view;
  // One that ends meanwhile has no flows; that it is gone is what the next look finds.
  const ask = (request: Ask): Promise<Answer | undefined> => client.ask(request).catch(() => undefined);
  const [listed, ended] = await Promise.all([
    ask({ type: 'flows', name, limit: MAX_LISTED }),
    ask({ type: 'endings', name, limit: MAX_LISTED }),
  ]);
  const flows = listed?.type === 'flows' ? listed.flows : [];
  const moving = rates.sample(atMs, view.status ?? { bytesUp: 0, bytesDown: 0 }, flows);
  const { upBytesPerSec = 0, downBytesPerSec = 0 } = rates.history.at(-1) ?? {};
  const endings = ended?.type === 'endings' ? ended.endings : [];
  return { view, flows: moving, endings, upBytesPerSec, downBytesPerSec };
}

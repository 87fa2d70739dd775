import type { Logger } from '../../core/log.ts';
import { formatBytes, formatSeconds } from '../../core/quantities.ts';
import type { Flow } from '../../net/flow.ts';
import type { FlowSummary } from '../../ssh/transport.ts';
import type { FlowEnding } from '../status/status.ts';
import { failureCauseOf } from './flow-end.ts';
import { describeFlow } from './flow-endpoints.ts';

/** The latest endings, for status and explain. */
const MAX_ENDINGS = 512;

/** How flows have ended: logged once each, and remembered for a while. */
export class FlowEndings {
  readonly #logger: Logger;
  /** The latest last. */
  readonly #endings: FlowEnding[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The latest first, up to `limit`. */
  list(limit: number): readonly FlowEnding[] {
    return this.#endings.slice(-limit).reverse();
  }

  /** @param why for people */
  add(flow: Flow, { bytesUp, bytesDown, end }: FlowSummary, why: string, durationMs: number): void {
    const { destination, address, originator } = describeFlow(flow);
    const moved = { bytesUp, bytesDown, durationMs: Math.round(durationMs) };
    this.#logger.info(endingInWords(destination, end.kind, why, moved), {
      destination,
      ...(address === null ? {} : { address }),
      originator,
      end: end.kind,
      ...moved,
    });
    if (this.#endings.length === MAX_ENDINGS) this.#endings.shift();
    this.#endings.push({
      destination,
      address,
      originator,
      endedAtMs: Date.now(),
      end: end.kind,
      cause: failureCauseOf(end) ?? null,
      why,
      ...moved,
    });
  }
}

type Moved = Pick<FlowEnding, 'bytesUp' | 'bytesDown' | 'durationMs'>;

/** One sentence for people: `10.0.0.8:5432 closed after 3.2 s, 4.0 KiB up, 1.2 MiB down`. */
function endingInWords(
  destination: string,
  kind: FlowEnding['end'],
  why: string,
  { bytesUp, bytesDown, durationMs }: Moved,
): string {
  const moved = `after ${formatSeconds(durationMs)}, ${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down`;
  if (kind === 'eof') return `${destination} closed ${moved}`;
  // Where nothing was carried, the reason is all there is.
  return bytesUp + bytesDown === 0 ? `${destination}: ${why}` : `${destination}: ${why}, ${moved}`;
}

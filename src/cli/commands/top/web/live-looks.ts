import { setTimeout as wait } from 'node:timers/promises';
import { type TopDocument, withFlows } from '../document/top-document.ts';
import { LOOK_INTERVAL_MS } from '../document/tunnel-looks.ts';

/** Flows that a browser is told of: nobody reads more, and a busy tunnel has ten thousand. */
const MAX_FLOWS = 1_000;

/** Called with each look, as a line of JSON. */
type OnLine = (line: string) => void;

/**
 * Looks at tunnels while somebody follows, for all who do at once; nobody is asked anything meanwhile.
 *
 *     nobody follows ──follow()──> looks, each second ──the last one stops──> nobody follows
 */
export class LiveLooks {
  readonly #look: () => Promise<TopDocument>;
  readonly #followers = new Set<OnLine>();
  readonly #intervalMs: number;
  #end: AbortController | undefined;

  /** @param look takes a look; what it throws is told to those who follow, and the next look may succeed */
  constructor(look: () => Promise<TopDocument>, intervalMs = LOOK_INTERVAL_MS) {
    this.#look = look;
    this.#intervalMs = intervalMs;
  }

  /** How many follow. */
  get size(): number {
    return this.#followers.size;
  }

  /** Has each look told from now on. @returns stops that; idempotent */
  follow(onLine: OnLine): () => void {
    this.#followers.add(onLine);
    if (this.#end === undefined) {
      const end = new AbortController();
      this.#end = end;
      void this.#run(end.signal);
    }
    return () => {
      this.#followers.delete(onLine);
      if (this.#followers.size > 0) return;
      this.#end?.abort();
      this.#end = undefined;
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const line = await this.#nextLine();
      // Those who follow by now, where it was one of before that has looked, have a loop of their own.
      if (signal.aborted) return;
      for (const onLine of this.#followers) onLine(line);
      await wait(this.#intervalMs, undefined, { signal }).catch(() => {}); // nobody follows any more
    }
  }

  async #nextLine(): Promise<string> {
    try {
      return JSON.stringify(withFlows(await this.#look(), MAX_FLOWS));
    } catch (error) {
      return JSON.stringify({ error: error instanceof Error ? error.message : String(error) });
    }
  }
}

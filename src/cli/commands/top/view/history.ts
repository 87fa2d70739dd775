import type { TopDocument } from '../document/top-document.ts';
import type { Throughput } from '../rates.ts';

/** How many looks a graph goes back: as many as the widest terminal has columns. */
const MAX_LOOKS = 300;

/** How fast it moved at each look: each tunnel, and all of them. */
export class History {
  /** That of all tunnels by `undefined`. */
  #looks = new Map<string | undefined, readonly Throughput[]>();

  /** The oldest first. */
  of(tunnel: string | undefined): readonly Throughput[] {
    return this.#looks.get(tunnel) ?? [];
  }

  /** Forgets tunnels that have ended. */
  add({ tunnels, totals }: Pick<TopDocument, 'tunnels' | 'totals'>): void {
    const before = this.#looks;
    const longer = (name: string | undefined, { upBytesPerSec, downBytesPerSec }: Throughput) =>
      [name, [...(before.get(name) ?? []), { upBytesPerSec, downBytesPerSec }].slice(-MAX_LOOKS)] as const;
    this.#looks = new Map([
      longer(undefined, totals),
      ...tunnels.map((tunnel) => longer(tunnel.name, tunnel)),
    ]);
  }
}

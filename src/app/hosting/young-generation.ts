import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** As large as a processor's cache: thousands of short flows a second need no more. V8's own limit is 32 MiB. */
const ENOUGH_BYTES = 4 * 1024 * 1024;

/** The part of V8's heap where objects are born; tests put their own here. */
export interface YoungGeneration {
  /** What it has of the system's memory. */
  bytes(): number;
  /** It stays as large as it is. */
  stopGrowing(): void;
  /** It is collected by the thread that filled it, without helpers. */
  collectAlone(): void;
  /** Calls back after collections, when it has doubled if so much survived. @returns ends that; idempotent */
  onCollections(callback: () => void): () => void;
}

/** That of this process. */
export const REAL_YOUNG_GENERATION: YoungGeneration = {
  bytes: () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0,
  stopGrowing: () => setFlagsFromString('--semi-space-growth-factor=1'),
  collectAlone: () => setFlagsFromString('--no-parallel-scavenge'),
  onCollections(callback) {
    const observer = new PerformanceObserver(callback);
    observer.observe({ entryTypes: ['gc'] });
    return () => observer.disconnect();
  },
};

/**
 * Lets the young generation of this process grow no further than is of use. V8 lets it grow to 32 MiB when many objects live
 * on, as ten thousand open flows do, and keeps that; and for what is left, waking helper threads takes longer than they help
 * (native-notes/young-generation.md).
 *
 * @returns ends the watching; idempotent
 */
export function limitYoungGeneration(generation: YoungGeneration = REAL_YOUNG_GENERATION): () => void {
  generation.collectAlone();
  const end = generation.onCollections(() => {
    if (generation.bytes() < ENOUGH_BYTES) return;
    end();
    generation.stopGrowing();
  });
  return end;
}

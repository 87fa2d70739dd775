/** The value at a share of the sorted values, by nearest rank. NaN when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle value, or the mean of the middle two. NaN when there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** What several runs gave. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** Median and extremes. */
export function spreadOf(values: readonly number[]): Spread {
  return {
    median: median(values),
    least: Math.min(...values),
    most: Math.max(...values),
    count: values.length,
  };
}

/**
 * The rate, in bytes per second, at which a cumulative count grew from a moment on to its end.
 *
 * @param microseconds times of the counts, ascending
 */
export function growthPerSecond(
  microseconds: readonly number[],
  counts: readonly number[],
  fromSeconds: number,
): number {
  const from = microseconds.findIndex((time) => time >= fromSeconds * 1e6);
  const last = microseconds.length - 1;
  if (from < 0 || from >= last) return Number.NaN;
  const elapsed = (microseconds[last] as number) - (microseconds[from] as number);
  return (((counts[last] as number) - (counts[from] as number)) / elapsed) * 1e6;
}

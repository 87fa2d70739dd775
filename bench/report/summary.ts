import type { BenchResult, Metric, Sample } from './result.ts';
import { median, quantile, type Spread, spreadOf } from './statistics.ts';

/** A figure of the report: a metric, or a quantile of one whose samples are those of single requests. */
export interface Figure extends Metric {
  readonly scenario: string;
  readonly cells: ReadonlyMap<string, Cell>;
}

/** What one peer reached. */
export interface Cell extends Spread {
  /** Median of the ratios to the reference within the same round; undefined without a reference. */
  readonly ratio: number | undefined;
}

/** What every ratio is taken to, but those of ciphers. */
const REFERENCE_PEER = 'ssh-L';

/** The names of peers that have a cipher of their own. */
const WITH_CIPHER = /^(?:ssh-L|plain|native)-(.+)$/;

/** What a peer's ratios are taken to: `ssh -L` with the same cipher. */
export function referenceOf(peer: string): string {
  const [, cipher] = WITH_CIPHER.exec(peer) ?? [];
  return cipher === undefined ? REFERENCE_PEER : `${REFERENCE_PEER}-${cipher}`;
}

const QUANTILES = [
  ['p50', 0.5],
  ['p99', 0.99],
] as const;

/** Boils the raw samples down: one figure for every metric, one cell for every peer. */
export function summarise(result: Pick<BenchResult, 'samples'>): Figure[] {
  const figures: Figure[] = [];
  for (const samples of groupBy(result.samples, keyOf).values()) {
    const first = samples[0];
    if (first === undefined) continue;
    const metric = { scenario: first.scenario, unit: first.unit, better: first.better };
    if (samples.some(({ values }) => values.length > 1)) {
      for (const [suffix, share] of QUANTILES) {
        const cells = cellsOf(samples, (values) => quantile(values, share));
        figures.push({ ...metric, name: `${first.name}, ${suffix}`, cells });
      }
    } else {
      figures.push({
        ...metric,
        name: first.name,
        cells: cellsOf(samples, (values) => values[0] ?? Number.NaN),
      });
    }
  }
  return figures;
}

function keyOf(sample: Sample): string {
  return `${sample.scenario}\n${sample.name}`;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

function cellsOf(
  samples: readonly Sample[],
  reduce: (values: readonly number[]) => number,
): Map<string, Cell> {
  const groups = groupBy(samples, (sample) => sample.peer);
  const cells = new Map<string, Cell>();
  for (const [peer, own] of groups) {
    const references = groups.get(referenceOf(peer)) ?? [];
    const reference = new Map(references.map(({ run, values }) => [run, reduce(values)]));
    const ratios = own
      .map(({ run, values }) => reduce(values) / (reference.get(run) ?? Number.NaN))
      .filter(Number.isFinite);
    cells.set(peer, {
      ...spreadOf(own.map(({ values }) => reduce(values))),
      ratio: ratios.length > 0 ? median(ratios) : undefined,
    });
  }
  return cells;
}

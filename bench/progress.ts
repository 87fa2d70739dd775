import { median } from './report/statistics.ts';
import type { VisitOutcome } from './visit.ts';

/** Shows on standard error what is being measured, what it gave, and when it will be over. */
export class Progress {
  readonly #total: number;
  readonly #startedAt = performance.now();
  #done = 0;

  constructor(visits: number) {
    this.#total = visits;
  }

  title(text: string): void {
    process.stderr.write(`\n${text}\n`);
  }

  begin(peer: string, run: number): void {
    const minutes = ((performance.now() - this.#startedAt) / 60_000).toFixed(1);
    process.stderr.write(
      `  [${this.#done + 1}/${this.#total}, ${minutes} min] ${peer.padEnd(12)} run ${run + 1}: `,
    );
  }

  end(outcome: VisitOutcome): void {
    this.#done += 1;
    const first = outcome.samples
      .filter(({ name }) => !/CPU|RSS|after 2 s/.test(name))
      .map(({ name, values, unit }) => `${name} ${short(median(values))} ${unit}`);
    const others = outcome.samples[0]?.foreignCpuShare ?? 0;
    const disturbed = others > 0.1 ? ` (others used ${Math.round(others * 100)} % of the CPUs)` : '';
    process.stderr.write(`${first.join(', ')}${disturbed}\n`);
    if (outcome.failure !== undefined) process.stderr.write(`    FAILED: ${outcome.failure}\n`);
  }
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { drawCharts } from '../../../bench/report/charts.ts';
import { renderMarkdown } from '../../../bench/report/markdown.ts';
import { resultOf, sample } from './sample-result.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../bench/results/schema.json', import.meta.url), 'utf8'),
) as object;

const result = resultOf([
  sample({ run: 0, values: [4] }),
  sample({ run: 1, values: [2] }),
  sample({ peer: 'tshuttle', run: 0, values: [3] }),
  sample({ peer: 'tshuttle', run: 1, values: [3], foreignCpuShare: 0.5 }),
]);

describe('the schema', () => {
  const validate = new Ajv2020().compile(schema);

  it('accepts what the bench writes', () => {
    expect(validate(result), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    ['a sample without its values', { ...result, samples: [{ ...sample(), values: undefined }] }],
    ['a value that is none', { ...result, samples: [sample({ values: [Number.NaN] })] }],
    ['a field nobody knows', { ...result, colour: 'blue' }],
    ['another version', { ...result, schema: 'tshuttle-bench/2' }],
  ])('refuses %s', (_what, wrong) => {
    expect(validate(JSON.parse(JSON.stringify(wrong)))).toBe(false);
  });
});

describe('the Markdown', () => {
  const markdown = renderMarkdown(result);

  it('shows median, spread and ratio, and who was measured', () => {
    expect(markdown).toContain('|  | ssh-L | tshuttle |\n| --- | ---: | ---: |');
    expect(markdown).toContain('| one flow down (Gbit/s) | 3 (2 to 4) | 3 (3 to 3) **1.13x** |');
    expect(markdown).toContain("- **tshuttle**: 0.1.0 (012345678), without ssh2's native crypto");
  });

  it('says how much of it was disturbed', () => {
    expect(markdown).toContain(
      'During 25 % of the samples other programs used more than a tenth of the CPUs.',
    );
  });

  it('lists failures', () => {
    const failure = { scenario: 'throughput', peer: 'tshuttle', run: 1, message: 'broke\nhere' };
    expect(renderMarkdown({ ...result, failures: [failure] })).toContain(
      '- throughput, tshuttle, run 2: broke here',
    );
  });
});

describe('the charts', () => {
  it('show every peer, and only what was measured', () => {
    const charts = drawCharts(result);
    expect(charts.map(({ name }) => name)).toEqual(['throughput']);
    expect(charts[0]?.svg).toMatch(/^<svg .*one flow down.*tshuttle/s);
  });
});

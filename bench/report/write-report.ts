import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { REPOSITORY } from '../lab/compile.ts';
import { drawCharts } from './charts.ts';
import { renderMarkdown } from './markdown.ts';
import type { BenchResult } from './result.ts';

const PIXELS_PER_POINT = 2;

/** What was written, and the report itself. */
export interface WrittenReport {
  readonly markdown: string;
  readonly files: readonly string[];
}

/**
 * Writes the raw result as JSON, checked against its schema, and what is made of it: a Markdown table, and charts as
 * SVG and PNG. The JSON has a name of its own; the rest replaces what was there.
 */
export async function writeReport(result: BenchResult, folder: string): Promise<WrittenReport> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  const write = async (name: string, content: string | Uint8Array) => {
    const file = join(folder, name);
    await writeFile(file, content);
    files.push(file);
  };
  const stamp = result.startedAt.slice(0, 16).replace(':', '');
  await write(`${stamp}-${result.pace}.json`, `${renderJson(result)}\n`);
  await refuseOffSchema(result);
  const charts = drawCharts(result);
  const markdown = renderMarkdown(result);
  const images = charts.map(({ name }) => `![${name}](${name}.svg)`).join('\n');
  await write('README.md', `${markdown}\n${images}\n`);
  for (const { name, svg } of charts) {
    await write(`${name}.svg`, svg);
    const options = { fitTo: { mode: 'zoom', value: PIXELS_PER_POINT } } as const;
    await write(`${name}.png`, new Resvg(svg, options).render().asPng());
  }
  return { markdown, files };
}

/** JSON with one sample a line: short enough to keep, and a difference between two shows. */
function renderJson(result: BenchResult): string {
  const { samples, ...rest } = result;
  const head = JSON.stringify(rest, undefined, 2).replace(/\n\}$/, '');
  return `${head},\n  "samples": [\n${samples.map((sample) => `    ${JSON.stringify(sample)}`).join(',\n')}\n  ]\n}`;
}

async function refuseOffSchema(result: BenchResult): Promise<void> {
  const text = await readFile(join(REPOSITORY, 'bench/results/schema.json'), 'utf8');
  const validate = new Ajv2020().compile(JSON.parse(text) as object);
  if (!validate(result)) {
    throw new Error(`the result is not as its schema says: ${JSON.stringify(validate.errors)}`);
  }
}

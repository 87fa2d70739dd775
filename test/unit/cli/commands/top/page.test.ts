import { createHash } from 'node:crypto';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { HEALTHS } from '../../../../../src/app/running-tunnels/health.ts';
import script from '../../../../../src/cli/commands/top/web/page/page.mjs?raw';
import { PAGE, POLICY } from '../../../../../src/cli/commands/top/web/page/page.ts';
import { markOf } from '../../../../../src/cli/rendering/status-text.ts';
import { formatBytes, formatDuration } from '../../../../../src/core/quantities.ts';

const MAXIMUM_BYTES = 30_000;

interface Flow {
  readonly destination: string;
  readonly downBytesPerSec: number;
}

/** What of the page's script needs no document. */
interface PageScript {
  formatBytes(bytes: number): string;
  formatDuration(durationMs: number): string;
  chosenFlows(flows: readonly Flow[], filter: string, order?: object): readonly Flow[];
  chartPaths(
    samples: ReadonlyArray<{ readonly atMs: number; readonly value: number | null }>,
    nowMs: number,
    maximum: number,
  ): { readonly line: string; readonly area: string };
}

const context = createContext({});
runInContext(script, context);
const page = context as unknown as PageScript;

describe('the page is one file', () => {
  test('that is small, and asks for nothing else', () => {
    expect(Buffer.byteLength(PAGE)).toBeLessThan(MAXIMUM_BYTES);
    expect(PAGE).toMatch(/<style>:root \{[\s\S]+\}\s*<\/style>/);
    expect(PAGE.match(/<script|<style|<link|<img|<iframe/g)).toEqual(['<link', '<style', '<script']);
    expect(PAGE.match(/https?:\/\/[^'"]+/g)).toEqual([
      'http://www.w3.org/2000/svg',
      'http://www.w3.org/2000/svg',
    ]);
    expect(PAGE).not.toMatch(/@import|url\(| style=| on\w+="/);
  });

  test('whose policy lets this script and this style run, and no other', () => {
    const hashes = [...PAGE.matchAll(/<(style|script type="module")>([\s\S]*?)<\/(?:style|script)>/g)].map(
      ([, , text = '']) => `sha256-${createHash('sha256').update(text).digest('base64')}`,
    );
    expect(hashes).toHaveLength(2);
    for (const hash of hashes) expect(POLICY).toContain(`'${hash}'`);
    expect(POLICY).toMatch(/^default-src 'none';/);
    expect(POLICY).not.toMatch(/unsafe|\*/);
  });

  test('and makes no markup of text', () => {
    expect(script).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(|setHTML/,
    );
    expect(script).not.toContain('</script');
  });
});

describe('the page writes', () => {
  test('quantities as status does', () => {
    for (const bytes of [0, 999, 1_000, 1_536, 102_400, 3_650_722_202, 5e15])
      expect(page.formatBytes(bytes)).toBe(formatBytes(bytes));
    for (const ms of [-5, 0, 1_499, 59_600, 61_000, 3_599_999, 7_800_000, 90_000_000])
      expect(page.formatDuration(ms)).toBe(formatDuration(ms));
  });

  test('the marks of status for all tunnels together', () => {
    const marks = runInContext('WORST_MARKS', context) as Readonly<Record<string, string>>;
    expect({ ...marks }).toEqual(
      Object.fromEntries(HEALTHS.map((health) => [health, markOf(health, { hasUnicode: true })])),
    );
  });
});

describe('flows are', () => {
  const flow = (destination: string, downBytesPerSec: number) => ({
    ...{ destination, downBytesPerSec, address: destination === 'b' ? '198.18.0.1' : null },
    ...{ originator: '127.0.0.1:5', tunnel: 'home', stage: 'open' },
  });
  const flows = [flow('b', 1), flow('C', 3), flow('a', 2)];
  const names = (filter: string, order?: object) =>
    page.chosenFlows(flows, filter, order).map(({ destination }) => destination);

  test('in the order in which they came, or the one that was chosen', () => {
    expect(names('')).toEqual(['b', 'C', 'a']);
    expect(names('', { key: 'downBytesPerSec', isDescending: true })).toEqual(['C', 'a', 'b']);
    expect(names('', { key: 'destination', isDescending: false })).toEqual(['C', 'a', 'b']);
    expect(flows.map(({ destination }) => destination)).toEqual(['b', 'C', 'a']);
  });

  test('those with what was typed in what is shown of them', () => {
    expect(names(' c ')).toEqual(['C']);
    expect(names('198.18')).toEqual(['b']);
    expect(names('home')).toHaveLength(3);
    expect(names('.*')).toEqual([]);
  });
});

test('a chart is a line from left to right, as high as the peak, with a gap where nobody looked', () => {
  const samples = [
    { atMs: 0, value: 0 },
    { atMs: 1_000, value: 10 },
    { atMs: 60_000, value: null },
    { atMs: 119_000, value: 5 },
    { atMs: 120_000, value: 10 },
  ];
  expect({ ...page.chartPaths(samples, 120_000, 10) }).toEqual({
    line: 'M0.0 44.0L2.0 3.0M238.0 23.5L240.0 3.0',
    area: 'M0.0 44L0.0 44.0L2.0 3.0L2.0 44ZM238.0 44L238.0 23.5L240.0 3.0L240.0 44Z',
  });
  expect(page.chartPaths([{ atMs: 0, value: null }], 0, 1).line).toBe('');
});

import { spawnSync } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { limitYoungGeneration } from '../../../src/app/hosting/young-generation.ts';

afterEach(() => void vi.useRealTimers());

const MEBIBYTE = 1024 * 1024;

test('has it collected without helpers at once, lets it grow until it is large enough, and says each once', () => {
  vi.useFakeTimers();
  const told: string[] = [];
  let bytes = MEBIBYTE;
  const end = limitYoungGeneration({
    bytes: () => bytes,
    stopGrowing: () => told.push('stop growing'),
    collectAlone: () => told.push('collect alone'),
  });
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(['collect alone']);
  bytes = 4 * MEBIBYTE;
  vi.advanceTimersByTime(10_000);
  expect([told, vi.getTimerCount()]).toEqual([['collect alone', 'stop growing'], 0]);
  end();
});

test('looks no more when its host is gone', () => {
  vi.useFakeTimers();
  limitYoungGeneration({ bytes: () => 0, stopGrowing: () => {}, collectAlone: () => {} })();
  expect(vi.getTimerCount()).toBe(0);
});

/** Has many objects live on, and prints how large the young generation has become, in MiB. */
const SURVIVORS = `
  const { getHeapSpaceStatistics } = require('node:v8');
  const all = [];
  for (let index = 0; index < 3_000_000; index += 1) all.push({ index });
  console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 1024 / 1024);
`;

test('V8 of this Node.js does as it is told while it runs', () => {
  const told = ['--semi-space-growth-factor=1', '--no-parallel-scavenge']
    .map((flag) => `require('node:v8').setFlagsFromString('${flag}');`)
    .join('');
  const [free, limited] = ['', told].map((before) => {
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', before + SURVIVORS], { encoding: 'utf8' });
    expect(stderr).toBe('');
    return Number(stdout);
  });
  // 14 MiB by 26.12 on two CPUs, 16 to 128 by 20, 22 and 24.
  expect(free).toBeGreaterThanOrEqual(12);
  expect(limited).toBeLessThanOrEqual(4);
}, 60_000);

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { limitYoungGeneration, REAL_YOUNG_GENERATION } from '../../../../src/app/hosting/young-generation.ts';
import { until } from '../../../support/process/until.ts';

const MEBIBYTE = 1024 * 1024;

function scene() {
  const told: string[] = [];
  const young = { bytes: MEBIBYTE, collected: (): void => {} };
  const end = limitYoungGeneration({
    bytes: () => young.bytes,
    stopGrowing: () => told.push('stop growing'),
    collectAlone: () => told.push('collect alone'),
    onCollections: (callback) => {
      young.collected = callback;
      return () => {
        young.collected = () => {};
      };
    },
  });
  return { told, young, end };
}

test('has it collected without helpers at once, lets it grow until it is large enough, and says each once', () => {
  const { told, young, end } = scene();
  young.collected();
  expect(told).toEqual(['collect alone']);
  young.bytes = 4 * MEBIBYTE;
  young.collected();
  young.collected();
  expect(told).toEqual(['collect alone', 'stop growing']);
  end();
});

test('looks no more when its host is gone', () => {
  const { told, young, end } = scene();
  end();
  young.bytes = 4 * MEBIBYTE;
  young.collected();
  expect(told).toEqual(['collect alone']);
});

test('is called by Node.js after a collection', async () => {
  const end = REAL_YOUNG_GENERATION.onCollections(() => {
    collections += 1;
  });
  let collections = 0;
  let objects: unknown[] = [];
  await until(
    () => {
      objects = Array.from({ length: 100_000 }, (_, index) => ({ index }));
      return collections > 0;
    },
    { what: 'a collection', deadlineMs: 20_000 },
  );
  expect(objects).toHaveLength(100_000);
  end();
});

/**
 * Has many objects live on, and prints how large the young generation has become, in MiB: the least of the last third, as V8 of Node.js 24
 * takes pages beyond its limit, and gives them back, while it waits for its helper threads.
 */
const SURVIVORS = `
  const { getHeapSpaceStatistics } = require('node:v8');
  const size = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;
  const all = [];
  const sizes = [];
  for (let index = 0; index < 3_000_000; index += 1) {
    all.push({ index });
    if (index >= 2_000_000 && index % 50_000 === 0) sizes.push(size());
  }
  console.log(Math.min(...sizes) / 1024 / 1024);
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

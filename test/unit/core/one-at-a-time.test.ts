import { expect, test } from 'vitest';
import { oneAtATime } from '../../../src/core/one-at-a-time.ts';

test('the next run begins when the last one is over, however that ended', async () => {
  const events: string[] = [];
  let count = 0;
  const run = oneAtATime(async () => {
    count += 1;
    const mine = count;
    events.push(`begin ${mine}`);
    await new Promise(setImmediate);
    events.push(`end ${mine}`);
    if (mine === 1) throw new Error('the first fails');
  });
  const runs = [run(), run(), run()];
  await expect(runs[0]).rejects.toThrow('the first fails');
  await Promise.all(runs.slice(1));
  expect(events).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
});

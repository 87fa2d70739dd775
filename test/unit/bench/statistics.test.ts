import { describe, expect, it } from 'vitest';
import { growthPerSecond, median, quantile, spreadOf } from '../../../bench/report/statistics.ts';

describe('quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
    [0, 1],
  ])('at %f of 1 to 100 is %i', (share, expected) => {
    expect(quantile(hundred, share)).toBe(expected);
  });

  it('of nothing is not a number', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('median', () => {
  it('is the middle value of an odd number, whatever their order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it('is the mean of the middle two of an even number', () => {
    expect(median([1, 10, 2, 4])).toBe(3);
  });

  it('sorts as numbers, not as text', () => {
    expect(median([100, 20, 3])).toBe(20);
  });
});

it('spreadOf names the extremes', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3, count: 3 });
});

describe('growthPerSecond', () => {
  const microseconds = [0, 1_000_000, 2_000_000, 3_000_000];
  const counts = [0, 10, 110, 210];

  it('leaves out what was before the moment asked for', () => {
    expect(growthPerSecond(microseconds, counts, 1)).toBe(100);
    expect(growthPerSecond(microseconds, counts, 0)).toBe(70);
  });

  it('is not a number when nothing was counted from then on', () => {
    expect(growthPerSecond(microseconds, counts, 3)).toBeNaN();
    expect(growthPerSecond([], [], 0)).toBeNaN();
  });
});

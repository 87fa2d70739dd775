import { describe, expect, it } from 'vitest';
import { cpuSecondsBetween, parseStat } from '../../../bench/measure/processes.ts';

const state = (pid: number, cpuSeconds: number) => ({ pid, cpuSeconds, argv: ['x'], residentBytes: 0 });

describe('parseStat', () => {
  it('finds its fields behind a name with blanks and parentheses', () => {
    const stat =
      '42 (a (b) c) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 30 20 20 0 1 0 1000 123456 250 18446744073709551615';
    expect(parseStat(stat)).toEqual({ cpuSeconds: 2.5, residentBytes: 250 * 4096 });
  });
});

describe('cpuSecondsBetween', () => {
  it('counts what old and new processes have spent since', () => {
    expect(cpuSecondsBetween([state(1, 5), state(2, 1)], [state(1, 7), state(3, 0.5)])).toBe(2.5);
  });
});

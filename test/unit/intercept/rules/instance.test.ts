import { describe, expect, it } from 'vitest';
import { formatInstance, parseInstance, startedTicksOf } from '../../../../src/intercept/rules/instance.ts';

describe('an instance', () => {
  it('survives being written into a rule', () => {
    const instance = { pid: 1234, startedTicks: '56789', pidNamespace: '4026531836' };
    expect(parseInstance(formatInstance(instance))).toEqual(instance);
  });

  it.each(['', '1-2', '1-2-3-4', 'a-2-3', '1-2-3 ', '-1-2-3'])('is not %j', (text) => {
    expect(parseInstance(text)).toBeUndefined();
  });
});

describe('startedTicksOf', () => {
  const stat = (name: string, state: string) =>
    `1234 (${name}) ${state} 1 1234 1234 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 11 0 987654 1000 50 184`;

  it('finds field 22 behind a name with spaces and parentheses', () => {
    expect(startedTicksOf(stat('node', 'S'))).toBe('987654');
    expect(startedTicksOf(stat('a) S 1 (b', 'S'))).toBe('987654');
  });

  it('takes a zombie for dead', () => {
    expect(startedTicksOf(stat('node', 'Z'))).toBeUndefined();
  });
});

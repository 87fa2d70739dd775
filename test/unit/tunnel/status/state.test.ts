import { describe, expect, it } from 'vitest';
import { type TunnelState, withRules } from '../../../../src/tunnel/status/state.ts';

const GONE = { sinceMs: 5_000, cause: 'removed' } as const;

describe('the state that is shown', () => {
  it('is never up while there are no rules', () => {
    const up: TunnelState = { kind: 'up', sinceMs: 1_000 };
    expect(withRules(up, undefined)).toBe(up);
    expect(withRules(up, GONE)).toEqual({ kind: 'uncaptured', sinceMs: 5_000, cause: 'removed' });
  });

  it('is that of the bastion where it is not connected', () => {
    const parked: TunnelState = { kind: 'waiting', sinceMs: 1_000, for: { kind: 'parked' } };
    expect(withRules(parked, GONE)).toBe(parked);
  });
});

import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../../bench/scenarios/scenario.ts';
import { planVisits } from '../../../bench/schedule.ts';

function scenario(name: string, overrides: Partial<Scenario> = {}): Scenario {
  return {
    name,
    title: name,
    path: 'veth',
    congestionControl: 'reno',
    peers: { full: ['a', 'b', 'c'], quick: ['a', 'b'] },
    runs: { full: 3, quick: 1 },
    checkedBytes: 1,
    measure: async () => {},
    ...overrides,
  };
}

const nothingAsked = {
  scenarios: [],
  pace: 'full',
  peers: undefined,
  runs: undefined,
  checkouts: [],
} as const;
const order = (plan: ReturnType<typeof planVisits>) =>
  plan.map(({ visits }) => visits.map(({ run, peer }) => `${run}${peer}`).join(' '));

describe('planVisits', () => {
  it('interleaves the peers and rotates their order', () => {
    expect(order(planVisits([scenario('x')], nothingAsked))).toEqual(['0a 0b 0c 1b 1c 1a 2c 2a 2b']);
  });

  it('adds checkouts from the command line, or takes the peers named there', () => {
    const checkouts = [{ name: 'other', path: '/other' }];
    expect(order(planVisits([scenario('x')], { ...nothingAsked, runs: 1, checkouts }))).toEqual([
      '0a 0b 0c 0other',
    ]);
    expect(order(planVisits([scenario('x')], { ...nothingAsked, runs: 2, peers: ['c', 'a'] }))).toEqual([
      '0c 0a 1a 1c',
    ]);
  });

  it('leaves out what the pace leaves out, unless it is named', () => {
    const slow = scenario('slow', { runs: { full: 3, quick: 0 } });
    const quick = { ...nothingAsked, pace: 'quick' } as const;
    expect(planVisits([scenario('x'), slow], quick).map((plan) => plan.scenario.name)).toEqual(['x']);
    expect(planVisits([slow], { ...quick, runs: 2 })).toEqual([]);
    expect(order(planVisits([slow], { ...quick, scenarios: ['slow'] }))).toEqual(['0a 0b']);
  });
});

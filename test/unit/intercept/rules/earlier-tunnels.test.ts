import { expect, it } from 'vitest';
import { EarlierTunnels } from '../../../../src/intercept/rules/redirect-plan.ts';
import { SAMPLE_PLANS } from './sample-plans.ts';

const PLAN = Object.values(SAMPLE_PLANS).find(({ dns }) => dns !== null)!;
const OWN = PLAN.dns!.exemptPorts;

it('only the queries of tunnels that were there before the first rules are let pass, as long as these are', () => {
  const earlier = new EarlierTunnels();
  const passed = (others: readonly number[]) => earlier.passedBy(PLAN, others).dns!.exemptPorts;
  expect(passed([1, 2, 2])).toEqual([...OWN, 1, 2]);
  expect(passed([1, 2, 3])).toEqual([...OWN, 1, 2]);
  expect(passed([2, 3])).toEqual([...OWN, 2]);
  expect(earlier.passedBy({ ...PLAN, dns: null }, [2]).dns).toBeNull();
});

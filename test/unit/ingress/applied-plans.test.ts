import { expect, it } from 'vitest';
import { TshuttleError } from '../../../src/core/errors.ts';
import { AppliedPlans } from '../../../src/ingress/applied-plans.ts';
import { SAMPLE_PLANS } from '../intercept/rules/sample-plans.ts';

const plan = SAMPLE_PLANS['both-families']!;
const left = { zones: [], udp: 'no room' } as const;

it('tells that the rules in force are not those that are wanted, until they are', async () => {
  let error: Error | undefined;
  const plans = new AppliedPlans({
    apply: async () => {
      if (error !== undefined) throw error;
      return left;
    },
  });
  expect([plans.problem, plans.left.udp]).toEqual([undefined, null]);
  await plans.apply(plan);
  expect([plans.problem, plans.left]).toEqual([undefined, left]);

  error = new TshuttleError('ERR_INTERCEPT_APPLY', 'the system refused the redirect rules: table full');
  await expect(plans.apply(plan)).rejects.toBe(error);
  expect(plans.problem).toMatchObject({
    cause: 'rules-refused',
    what: expect.stringMatching(/^the system refused the redirect rules: table full: those from before/),
    remedy: expect.stringContaining('tshuttle doctor'),
  });
  error = undefined;
  await plans.apply(plan);
  expect(plans.problem).toBeUndefined();

  error = new TshuttleError('ERR_HELPER_LOST', 'the root helper ended');
  await expect(plans.apply(plan)).rejects.toBe(error);
  expect(plans.problem, 'which the state tells').toBeUndefined();
});

import { describe, expect, it } from 'vitest';
import { renderPf } from '../../../../../src/intercept/rules/pf/pf.ts';
import { PF_LISTENERS, pfAnchor } from '../../../../../src/intercept/rules/pf/pf-anchor.ts';
import { familyOf } from '../../../../../src/net/address/literal.ts';
import { isLong } from '../../../../support/lab/long.ts';
import { type Attempt, type Outcome, PfEvaluator } from '../../../../support/pf/evaluator.ts';
import { seededRandom } from '../seeded-random.ts';
import { FOREIGN_RULES, type ForeignRules } from './foreign-rules.ts';
import {
  isOwn,
  isRefused,
  NETWORK,
  OPTIONS,
  type RandomPlan,
  randomAttempt,
  randomPlan,
  referencePort,
} from './random-plans.ts';

/*
 * What the evaluator captures under the rules of random plans is what their words say, which is what the plans of nft capture
 * (plan.test.ts). The short form always has the same plans; TSHUTTLE_LONG=1 has others each time, ten times as many.
 */
const FIXED_SEED = 20_261_130;
const ROUNDS = isLong ? 2_000 : 200;
const ATTEMPTS = 200;
const TIMEOUT_MS = isLong ? 300_000 : 30_000;

const CALLS = 'rdr-anchor "com.apple/*"\nanchor "com.apple/*"\n';

function machineWith(
  plans: readonly RandomPlan[],
  { main, anchors = {} }: Pick<ForeignRules, 'main' | 'anchors'>,
): PfEvaluator {
  const machine = new PfEvaluator(NETWORK, main);
  for (const [anchor, text] of Object.entries(anchors)) machine.load(anchor, text);
  for (const { plan } of plans) machine.load(pfAnchor(plan, 'darwin'), renderPf(plan, OPTIONS));
  return machine;
}

function told(machine: PfEvaluator, attempt: Attempt): string {
  machine.forget();
  return tell(machine.connect(attempt));
}

function tell(outcome: Outcome): string {
  return outcome.kind === 'here' ? `${outcome.address} ${outcome.port}` : outcome.kind;
}

/** For a failure, all that is needed to repeat it. */
function contextOf(
  seed: number,
  round: number,
  attempt: Attempt,
  plans: readonly RandomPlan[],
  main: string,
): string {
  const texts = plans.map(({ plan }) => renderPf(plan, OPTIONS));
  return `TSHUTTLE_TEST_SEED=${seed}, round ${round}: ${JSON.stringify(attempt)}\n${[main, ...texts].join('\n')}`;
}

/** Where our rules bring it: the address of ours and its port. */
function capturedAt({ request }: RandomPlan, attempt: Attempt): string | undefined {
  const port = referencePort(request, attempt);
  return port === undefined ? undefined : `${PF_LISTENERS[familyOf(attempt.destination)]} ${port}`;
}

describe('under the rules of pf', { timeout: TIMEOUT_MS }, () => {
  it('exactly what nft would capture is captured', () => {
    const { seed, random } = seededRandom(isLong ? undefined : FIXED_SEED);
    const counts = { flow: 0, dns: 0, refused: 0, left: 0 };
    const without = machineWith([], { main: CALLS });
    for (let round = 0; round < ROUNDS; round += 1) {
      const one = randomPlan(random, 12_300);
      const machine = machineWith([one], { main: CALLS });
      for (let index = 0; index < ATTEMPTS; index += 1) {
        const attempt = randomAttempt(random, one.request);
        const captured = capturedAt(one, attempt);
        const refused = captured === undefined && isRefused(one, attempt);
        const left = refused ? 'refused' : 'left';
        counts[captured === undefined ? left : captured.endsWith(' 12300') ? 'flow' : 'dns'] += 1;
        const outcome = told(machine, attempt);
        const expected = captured ?? (refused ? 'refused' : told(without, attempt));
        if (outcome === expected) continue;
        expect(outcome, contextOf(seed, round, attempt, [one], CALLS)).toBe(expected);
      }
    }
    // None of the four is rare.
    expect(Math.min(...Object.values(counts)), JSON.stringify(counts)).toBeGreaterThan(
      (ROUNDS * ATTEMPTS) / 150,
    );
  });

  it('of two tunnels the first by name captures what it says, and the second what is left', () => {
    const { seed, random } = seededRandom(isLong ? undefined : FIXED_SEED);
    const counts = { first: 0, second: 0, left: 0 };
    const without = machineWith([], { main: CALLS });
    for (let round = 0; round < ROUNDS / 4; round += 1) {
      const [first, second] = [randomPlan(random, 12_300), randomPlan(random, 12_400)];
      // Whichever was started first.
      const both = random(2) === 0 ? [first, second] : [second, first];
      const machine = machineWith(both, { main: CALLS });
      for (let index = 0; index < ATTEMPTS; index += 1) {
        const attempt = randomAttempt(random, both[random(2)]!.request);
        const byFirst = capturedAt(first, attempt);
        const bySecond = byFirst === undefined ? capturedAt(second, attempt) : undefined;
        counts[byFirst !== undefined ? 'first' : bySecond !== undefined ? 'second' : 'left'] += 1;
        const outcome = told(machine, attempt);
        const refused = both.some((one) => isRefused(one, attempt));
        const expected = byFirst ?? bySecond ?? (refused ? 'refused' : told(without, attempt));
        if (outcome === expected) continue;
        expect(outcome, contextOf(seed, round, attempt, both, CALLS)).toBe(expected);
      }
    }
    expect(Math.min(...Object.values(counts)), JSON.stringify(counts)).toBeGreaterThan(
      (ROUNDS * ATTEMPTS) / 200,
    );
  });

  it.each(FOREIGN_RULES)(
    'with rules of others ($name) it is $fate, and the rest is as without us',
    (foreign) => {
      const { seed, random } = seededRandom(isLong ? undefined : FIXED_SEED);
      const without = machineWith([], foreign);
      let ours = 0;
      for (let round = 0; round < ROUNDS / 40; round += 1) {
        const one = randomPlan(random, 12_300);
        const machine = machineWith([one], foreign);
        for (let index = 0; index < ATTEMPTS; index += 1) {
          const attempt = randomAttempt(random, one.request);
          const captured = capturedAt(one, attempt);
          const outcome = told(machine, attempt);
          const alone = told(without, attempt);
          if (captured !== undefined) ours += 1;
          const fate = foreign.fate === 'captured' ? captured : foreign.fate;
          const refused = captured === undefined && isRefused(one, attempt);
          const expected = captured !== undefined ? [fate] : [refused ? 'refused' : alone];
          // Rules of others that are asked before ours may say something else of UDP.
          if (refused && foreign.fate !== 'captured') expected.push(alone);
          // What goes by lo0 by itself meets other rules than what leaves.
          if (foreign.fate !== 'captured' && isOwn(attempt.destination)) expected.push(captured, alone);
          if (expected.includes(outcome)) continue;
          expect(outcome, contextOf(seed, round, attempt, [one], foreign.main)).toBe(expected[0]);
        }
      }
      expect(ours).toBeGreaterThan((ROUNDS * ATTEMPTS) / 400);
    },
  );
});

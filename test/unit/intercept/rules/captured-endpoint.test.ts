import { expect, it } from 'vitest';
import { isCaptured } from '../../../../src/intercept/rules/captured-endpoint.ts';
import { planRedirects } from '../../../../src/intercept/rules/plan.ts';
import type { CaptureRule } from '../../../../src/net/address/capture-rule.ts';
import { makeEndpoint } from '../../../../src/net/address/endpoint.ts';
import { addressBits, type IpFamily, numberToAddress } from '../../../../src/net/address/literal.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';
import { referenceVerdict } from './reference-verdict.ts';
import { rule } from './rule.ts';
import { seededRandom } from './seeded-random.ts';

const endpoint = (address: string, port: number) => makeEndpoint(address, port)!;

it('agrees with the rules as the user reads them, for random ones', () => {
  const { seed, random } = seededRandom();
  for (let round = 0; round < 300; round += 1) {
    const rules = Array.from({ length: 1 + random(8) }, (): CaptureRule => {
      const family = random(2) === 0 ? 4 : 6;
      // All within a few networks, so that they meet.
      const base = family === 4 ? `10.${random(2)}.${random(3)}.0` : `fd00:${random(2)}:${random(3)}::`;
      const cidr = parseCidr(`${base}/${family === 4 ? 8 + random(17) : 16 + random(33)}`)!;
      const first = 1 + random(6);
      const ports = random(2) === 0 ? { first: 1, last: 65_535 } : { first, last: first + random(3) };
      return { action: random(3) === 0 ? 'exclude' : 'include', cidr, ports };
    });
    const plan = planRedirects({ rules, listenerPort: 12_300, families: [4, 6], exempt: [] });
    for (let probe = 0; probe < 20; probe += 1) {
      const family: IpFamily = random(2) === 0 ? 4 : 6;
      const near = rules[random(rules.length)]!.cidr;
      const top = (1n << BigInt(addressBits(family))) - 1n;
      const value =
        near.family === family ? [near.first, near.last, near.first - 1n, near.last + 1n][random(4)]! : 7n;
      const address = value < 0n ? 0n : value > top ? top : value;
      const port = 1 + random(9);
      const verdict = referenceVerdict(rules, family, address, port) === 'capture';
      const text = numberToAddress(family, address);
      expect(isCaptured(plan, endpoint(text, port)), `seed ${seed}, ${text} ${port}`).toBe(verdict);
    }
  }
});

it('is false for what is exempt, whatever way it is written, and for a family without rules', () => {
  const rules = [rule('0.0.0.0/0'), rule('::/0')];
  const exempt = [endpoint('10.0.0.1', 22), { family: 6, address: '2001:db8:0::1', port: 22 } as const];
  const plan = planRedirects({ rules, listenerPort: 12_300, families: [4, 6], exempt });
  expect(isCaptured(plan, endpoint('10.0.0.1', 22))).toBe(false);
  expect(isCaptured(plan, endpoint('10.0.0.1', 23))).toBe(true);
  expect(isCaptured(plan, endpoint('2001:db8::1', 22))).toBe(false);
  expect(isCaptured({ ...plan, families: [4] }, endpoint('2001:db8::2', 22))).toBe(false);
});

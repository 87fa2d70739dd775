import { describe, expect, it } from 'vitest';
import { planRedirects } from '../../../../src/intercept/rules/plan.ts';
import type { PortGroup } from '../../../../src/intercept/rules/redirect-plan.ts';
import type { CaptureRule } from '../../../../src/net/address/capture-rule.ts';
import { makeCidr } from '../../../../src/net/address/cidr.ts';
import { addressBits, addressToNumber, type IpFamily } from '../../../../src/net/address/literal.ts';
import { type PortRange, portCount } from '../../../../src/net/address/port-range.ts';
import { holdsPort, referenceVerdict, type Verdict } from './reference-verdict.ts';
import { rule } from './rule.ts';
import { seededRandom } from './seeded-random.ts';

function groupsOf(
  rules: readonly CaptureRule[],
  families: readonly IpFamily[] = [4, 6],
): readonly PortGroup[] {
  return planRedirects({ rules, listenerPort: 12_300, families, exempt: [] }).groups;
}

describe('planRedirects', () => {
  it('cuts an excluded network out of the included one', () => {
    expect(groupsOf([rule('10.0.0.0/8'), rule('10.10.0.0/16', 'exclude')])).toEqual([
      {
        ports: { first: 1, last: 65_535 },
        intervals4: [
          { first: '10.0.0.0', last: '10.9.255.255', action: 'capture' },
          { first: '10.10.0.0', last: '10.10.255.255', action: 'pass' },
          { first: '10.11.0.0', last: '10.255.255.255', action: 'capture' },
        ],
        intervals6: [],
      },
    ]);
  });

  it('merges neighbours and networks inside networks of the same action', () => {
    const rules = [rule('10.0.1.0/24'), rule('10.0.0.0/24'), rule('10.0.0.7'), rule('10.0.0.0/24')];
    expect(groupsOf(rules)[0]?.intervals4).toEqual([
      { first: '10.0.0.0', last: '10.0.1.255', action: 'capture' },
    ]);
  });

  it('lets an exclude win over an include of the same network, whatever their order', () => {
    for (const rules of [
      [rule('10.0.0.0/24'), rule('10.0.0.0/24', 'exclude')],
      [rule('10.0.0.0/24', 'exclude'), rule('10.0.0.0/24')],
    ]) {
      expect(groupsOf(rules)[0]?.intervals4).toEqual([
        { first: '10.0.0.0', last: '10.0.0.255', action: 'pass' },
      ]);
    }
  });

  it('covers everything with 0/0 and ::/0, to the last address', () => {
    const [group] = groupsOf([rule('0.0.0.0/0'), rule('::/0'), rule('255.255.255.255', 'exclude')]);
    expect(group?.intervals4).toEqual([
      { first: '0.0.0.0', last: '255.255.255.254', action: 'capture' },
      { first: '255.255.255.255', last: '255.255.255.255', action: 'pass' },
    ]);
    expect(group?.intervals6).toEqual([
      { first: '::', last: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', action: 'capture' },
    ]);
  });

  it('asks the fewest ports first', () => {
    const rules = [rule('10.0.0.0/8'), rule('0.0.0.0/0:8000-9000', 'exclude'), rule('0.0.0.0/0:443')];
    expect(groupsOf(rules).map((group) => portCount(group.ports))).toEqual([1, 1001, 65_535]);
  });

  it('cuts equally wide ranges that overlap, and decides the overlap by prefix length', () => {
    const groups = groupsOf([rule('10.0.0.0/8:100-109'), rule('10.1.0.0/16:105-114', 'exclude')]);
    expect(groups.map((group) => group.ports)).toEqual([
      { first: 100, last: 104 },
      { first: 105, last: 109 },
      { first: 110, last: 114 },
    ]);
    expect(groups[1]?.intervals4.map((interval) => interval.action)).toEqual(['capture', 'pass', 'capture']);
  });

  it('leaves out rules of a family that is not redirected', () => {
    expect(groupsOf([rule('::/0')], [4])).toEqual([]);
  });

  it('refuses rules that overlap in too many ways instead of making a plan without bounds', () => {
    const rules = Array.from({ length: 5_000 }, (_, index) => rule(`10.0.0.0/8:${index + 1}`));
    expect(() => groupsOf(rules)).toThrowError(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });

  it('agrees with the order of the rules on random sets', () => {
    const { seed, random } = seededRandom();
    for (let round = 0; round < 150; round += 1) {
      const rules = randomRules(random, 1 + random(30));
      const groups = groupsOf(rules);
      for (let probe = 0; probe < 60; probe += 1) {
        const { family, address, port } = randomDestination(random, rules);
        const context = `seed ${seed}, round ${round}, IPv${family} ${address}, port ${port}`;
        expect(verdictOf(groups, family, address, port), context).toBe(
          referenceVerdict(rules, family, address, port),
        );
      }
    }
  });

  it('makes disjoint, ascending intervals of random sets', () => {
    const { seed, random } = seededRandom();
    for (let round = 0; round < 100; round += 1) {
      for (const group of groupsOf(randomRules(random, 40))) {
        expectAscending(group.intervals4, 4, `seed ${seed}`);
        expectAscending(group.intervals6, 6, `seed ${seed}`);
      }
    }
  });
});

/** What the kernel does with the plan: the first group that has both the port and the address. */
function verdictOf(groups: readonly PortGroup[], family: IpFamily, address: bigint, port: number): Verdict {
  for (const group of groups) {
    if (!holdsPort(group.ports, port)) continue;
    const intervals = family === 4 ? group.intervals4 : group.intervals6;
    const interval = intervals.find(
      ({ first, last }) =>
        addressToNumber(family, first) <= address && address <= addressToNumber(family, last),
    );
    if (interval !== undefined) return interval.action;
  }
  return 'pass';
}

/** Rules crowd in a few networks and ports, so that most of them overlap. */
function randomRules(random: (below: number) => number, count: number): CaptureRule[] {
  return Array.from({ length: count }, () => {
    const family: IpFamily = random(3) === 0 ? 6 : 4;
    const bits = addressBits(family);
    const prefixLength = random(20) === 0 ? 0 : bits - random(10);
    const action = random(3) === 0 ? 'exclude' : 'include';
    return {
      action,
      cidr: makeCidr(family, crowdedAddress(random, family), prefixLength),
      ports: randomPorts(random),
    };
  });
}

function randomPorts(random: (below: number) => number): PortRange {
  if (random(3) === 0) return { first: 1, last: 65_535 };
  const width = [1, 4, 4, 9][random(4)]!;
  const first = random(2) === 0 ? 1 + random(15) : 65_535 - width + 1 - random(5);
  return { first, last: first + width - 1 };
}

function crowdedAddress(random: (below: number) => number, family: IpFamily): bigint {
  const top = (1n << BigInt(addressBits(family))) - 1n;
  const offset = BigInt(random(1_500));
  return [offset, top - offset, (top >> 1n) + offset][random(3)]!;
}

function randomDestination(random: (below: number) => number, rules: readonly CaptureRule[]) {
  const family: IpFamily = random(3) === 0 ? 6 : 4;
  const edge = rules[random(rules.length)]!;
  const port =
    random(2) === 0 ? 1 + random(20) : Math.min(65_535, Math.max(1, edge.ports.last + random(3) - 1));
  if (edge.cidr.family !== family || random(2) === 0)
    return { family, address: crowdedAddress(random, family), port };
  const top = (1n << BigInt(addressBits(family))) - 1n;
  const near = (random(2) === 0 ? edge.cidr.first : edge.cidr.last) + BigInt(random(3) - 1);
  return { family, address: near < 0n ? 0n : near > top ? top : near, port };
}

function expectAscending(intervals: PortGroup['intervals4'], family: IpFamily, context: string): void {
  let previousLast = -1n;
  let previousAction: string | undefined;
  for (const { first, last, action } of intervals) {
    const isNeighbour = addressToNumber(family, first) === previousLast + 1n;
    expect(addressToNumber(family, first) > previousLast, context).toBe(true);
    expect(addressToNumber(family, last) >= addressToNumber(family, first), context).toBe(true);
    expect(isNeighbour && action === previousAction, context).toBe(false);
    previousLast = addressToNumber(family, last);
    previousAction = action;
  }
}

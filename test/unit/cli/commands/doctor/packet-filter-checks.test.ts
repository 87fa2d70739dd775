import { expect, test } from 'vitest';
import { packetFilterFindings } from '../../../../../src/cli/commands/doctor/packet-filter-checks.ts';
import type { PfFacts } from '../../../../../src/intercept/rules/rule-facts.ts';

const CLEAR: PfFacts = {
  isEnabled: true,
  skipsLoopback: false,
  earlier: [],
  states: { current: 12, limit: 10_000 },
};

function linesOf(facts: Partial<PfFacts>): readonly string[] {
  return [...packetFilterFindings({ ...CLEAR, ...facts })].map(
    ({ status, what, remedy }) => `${status}: ${what} -> ${remedy}`,
  );
}

test('pf that is in nobody’s way, with its states', () => {
  expect(linesOf({})).toEqual(['ok: is enabled; it keeps 12 of at most 10000 states -> null']);
  expect(linesOf({ states: null })).toEqual(['ok: is enabled -> null']);
});

test('what is in the way is told with its remedy, each by itself', () => {
  expect(linesOf({ isEnabled: false })[0]).toMatch(/^note: is disabled.* -> .*pfctl -s References/);
  expect(linesOf({ skipsLoopback: true })[1]).toMatch(/^note: skips lo0.* -> .*"pass on lo0".*pfctl -f/);
});

test('rules of others that are asked first, and not those of other tunnels', () => {
  const ours = 'anchor "com.apple/tshuttle-501-12200" all';
  expect(linesOf({ earlier: [ours, 'anchor "tshuttle-0-12300" all'] })).toHaveLength(1);
  expect(linesOf({ earlier: [ours, 'anchor "com.vpn/main" all'] })[1]).toMatch(
    /^note: asks rules of other programs before those of a tunnel: anchor "com\.vpn\/main" all -> .*pfctl -a com\.vpn\/main -s rules$/,
  );
  const rules = ['a', 'b', 'c', 'd', 'e'].map((name) => `pass out quick on ${name}`);
  expect(linesOf({ earlier: rules })[1]).toMatch(/on c and 2 more -> .*sudo pfctl -s rules$/);
});

test('states, from half of the limit on', () => {
  expect(linesOf({ states: { current: 4_999, limit: 10_000 } })).toHaveLength(1);
  expect(linesOf({ states: { current: 5_000, limit: 10_000 } })[1]).toMatch(
    /has room for 5000 more states.* -> set limit states 100000 in \/etc\/pf\.conf/,
  );
});

import { describe, expect, it } from 'vitest';
import type { ProbeOutcome } from '../../../../src/ingress/capture-check/capture-probe.ts';
import { captureProblems } from '../../../../src/ingress/capture-check/capture-problem.ts';
import { anchorsBefore, earlierRules, mayDecide } from '../../../../src/intercept/rules/pf/earlier-rules.ts';
import type { PfFacts, RuleFacts } from '../../../../src/intercept/rules/rule-facts.ts';
import { FOREIGN_RULES, type ForeignRules } from '../../intercept/rules/pf/foreign-rules.ts';

const CLEAR: PfFacts = { isEnabled: true, skipsLoopback: false, earlier: [], states: null };
const TARGET = { family: 4, address: '10.0.0.1', port: 9, network: '10.0.0.0/8' } as const;

const SILENT: ProbeOutcome = { kind: 'silent', reached: false };
const FORBIDDEN: ProbeOutcome = { kind: 'forbidden' };
const CONNECTED: ProbeOutcome = { kind: 'answered elsewhere', by: 'connection' };
const REFUSED: ProbeOutcome = { kind: 'answered elsewhere', by: 'refusal' };

function problemOf(outcome: ProbeOutcome, packetFilter: Partial<PfFacts>, ownRules = true) {
  const facts: RuleFacts = {
    ownRules,
    earlierNat: [],
    drops: [],
    ufw: false,
    wgQuick: [],
    notrack: [],
    inputDrops: [],
    packetFilter: { ...CLEAR, ...packetFilter },
  };
  return captureProblems([{ target: TARGET, outcome }], facts, 'darwin')[0];
}

describe('what is said of a connection that pf does not bring here', () => {
  const pass = 'pass out quick all flags S/SA keep state';
  const block = 'block drop out quick all';
  const anchor = 'anchor "vpn" all';
  const full = { current: 9_900, limit: 10_000 };
  it.each<[string, ProbeOutcome, Partial<PfFacts>]>([
    ['pf-disabled', SILENT, { isEnabled: false, skipsLoopback: true, earlier: [pass] }],
    ['pf-disabled', CONNECTED, { isEnabled: false }],
    ['pf-skips-loopback', SILENT, { skipsLoopback: true, earlier: [pass] }],
    // Who is answered has not been led to lo0.
    ['pf-earlier-rule', CONNECTED, { skipsLoopback: true, earlier: [pass] }],
    ['pf-earlier-rule', SILENT, { earlier: [anchor, pass] }],
    ['pf-other-anchor', SILENT, { earlier: [anchor] }],
    ['pf-block', FORBIDDEN, { earlier: [pass, block] }],
    ['pf-block', FORBIDDEN, {}],
    ['pf-other-anchor', FORBIDDEN, { earlier: [anchor] }],
    ['other-tunnel', CONNECTED, { earlier: ['anchor "com.apple/tshuttle-501-12200" all'] }],
    ['pf-other-anchor', CONNECTED, { earlier: ['anchor "com.apple/tshuttle-501-12200" all', anchor] }],
    ['pf-block', REFUSED, { earlier: ['block return out quick all'] }],
    ['pf-states', SILENT, { states: full }],
    ['pf-states', FORBIDDEN, { states: full, earlier: [block] }],
    ['unknown', CONNECTED, { states: full }],
    ['unknown', SILENT, { states: { ...full, current: 9_000 } }],
    ['unknown', SILENT, {}],
  ])('%s', (cause, outcome, facts) => {
    expect(problemOf(outcome, facts)?.cause).toBe(cause);
  });

  it('that the rules are gone, and what it is that flushes them', () => {
    const problem = problemOf(CONNECTED, {}, false);
    expect(problem?.cause).toBe('rules-gone');
    expect(problem?.remedy).toContain('pfctl -F all');
  });

  it('names the rules, the anchors and the figures', () => {
    expect(problemOf(CONNECTED, { earlier: [pass] })?.what).toBe(
      `a rule of another program in pf decides before tshuttle's (${pass}): connections to 10.0.0.0/8 go past the tunnel`,
    );
    expect(problemOf(FORBIDDEN, { earlier: [block] })?.what).toContain(`(${block})`);
    expect(problemOf(SILENT, { earlier: [anchor] })).toMatchObject({
      what: expect.stringContaining('(vpn)'),
      remedy: expect.stringContaining('pfctl -a vpn -s rules'),
    });
    expect(problemOf(SILENT, { earlier: ['anchor "com.apple/tshuttle-501-12200" all'] })?.what).toContain(
      'another tunnel of tshuttle captures 10.0.0.0/8 (com.apple/tshuttle-501-12200)',
    );
    expect(problemOf(SILENT, { states: full })).toMatchObject({
      what: expect.stringContaining('9900 of at most 10000'),
      remedy: expect.stringContaining('set limit states 100000'),
    });
  });
});

describe('beside rules of others', () => {
  // What becomes of connections beside them is tried in intercept/rules/pf/captured-alike.test.ts.
  const told = FOREIGN_RULES.filter(({ fate }) => fate !== 'captured');
  it.each(told)('$name: $fate is told as $cause', (foreign) => {
    for (const outcome of outcomesOf(foreign)) {
      const facts = { skipsLoopback: /^set skip on lo0$/m.test(foreign.main), earlier: earlierOf(foreign) };
      const ownRules = /^anchor "com/m.test(foreign.main) && /^rdr-anchor "com/m.test(foreign.main);
      expect(problemOf(outcome, facts, ownRules)?.cause).toBe(foreign.cause);
    }
    expect(foreign.cause).toBeDefined();
  });
});

/** What the helper finds out about them. */
function earlierOf({ main, anchors = {} }: ForeignRules): readonly string[] {
  const beside = anchorsBefore(Object.keys(anchors).join('\n'), 'com.apple/tshuttle-501-12300').filter(
    (name) => mayDecide(anchors[name] ?? ''),
  );
  return [...earlierRules(main, 'com.apple/*'), ...beside.map((name) => `anchor "${name}" all`)];
}

/** As which it looks to who connects: what goes past us may be answered by nobody. */
function outcomesOf({ fate }: ForeignRules): readonly ProbeOutcome[] {
  switch (fate) {
    case 'captured':
      return [{ kind: 'arrived' }];
    case 'direct':
      return [CONNECTED, REFUSED, SILENT];
    case 'hangs':
      return [SILENT];
    case 'EPERM':
      return [FORBIDDEN];
    case 'refused':
      return [REFUSED];
  }
}

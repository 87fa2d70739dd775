import { describe, expect, it } from 'vitest';
import type { ProbeOutcome } from '../../../../src/ingress/capture-check/capture-probe.ts';
import { captureProblems } from '../../../../src/ingress/capture-check/capture-problem.ts';
import type { RuleFacts } from '../../../../src/intercept/rules/rule-facts.ts';

const CLEAR: RuleFacts = {
  ownRules: true,
  earlierNat: [],
  drops: [],
  ufw: false,
  wgQuick: [],
  notrack: [],
  inputDrops: [],
  packetFilter: null,
};
const SILENT: ProbeOutcome = { kind: 'silent', reached: false };
const target = (network: string) => ({ family: 4, address: '10.0.0.1', port: 9, network }) as const;

function causeOf(outcome: ProbeOutcome, facts: Partial<RuleFacts> | undefined): string | undefined {
  const found = captureProblems(
    [{ target: target('10.0.0.0/8'), outcome }],
    facts === undefined ? undefined : { ...CLEAR, ...facts },
  );
  return found[0]?.cause;
}

describe('captureProblems', () => {
  const ufw = { ufw: true, drops: ['ip filter OUTPUT'] };
  const elsewhere = { kind: 'answered elsewhere', by: 'connection' } as const;
  const refused = { kind: 'answered elsewhere', by: 'refusal' } as const;
  const reached = { kind: 'silent', reached: true } as const;
  it.each<[string | undefined, ProbeOutcome, Partial<RuleFacts> | undefined]>([
    [undefined, { kind: 'arrived' }, ufw],
    ['no-route', { kind: 'refused by route', route: 'none' }, undefined],
    ['blackhole', { kind: 'refused by route', route: 'blackhole' }, undefined],
    ['forbidden', { kind: 'forbidden' }, ufw],
    ['unknown', SILENT, undefined],
    ['unknown', SILENT, {}],
    ['ufw', SILENT, ufw],
    // ufw that is installed and lets everything out is not it.
    ['unknown', SILENT, { ufw: true }],
    ['firewall', SILENT, { drops: ['inet mine output'] }],
    ['earlier-nat', SILENT, { earlierNat: ['inet sing-box output'] }],
    // Who answers has not dropped it.
    ['earlier-nat', elsewhere, { ...ufw, earlierNat: ['inet sing-box output'] }],
    ['unknown', elsewhere, ufw],
    ['ufw', refused, ufw],
    ['other-tunnel', elsewhere, { earlierNat: ['inet tshuttle-40000 output'] }],
    ['notrack', elsewhere, { ...ufw, notrack: ['ip raw OUTPUT'] }],
    ['rules-gone', elsewhere, { ...ufw, ownRules: false }],
    ['wg-quick', reached, { ...ufw, wgQuick: ['wg0'] }],
    ['replies-dropped', reached, { ...ufw, wgQuick: [] }],
    // A VPN whose rule lets the answers through is not it.
    ['ufw', SILENT, { ...ufw, wgQuick: ['wg0'] }],
  ])('%s', (cause, outcome, facts) => {
    expect(causeOf(outcome, facts)).toBe(cause);
  });

  it('says a cause once, with the networks that it keeps from being captured', () => {
    const networks = ['10.0.0.0/8', '10.0.0.0/8', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'];
    const results = networks.map((network) => ({ target: target(network), outcome: SILENT }));
    expect(captureProblems(results, { ...CLEAR, ...ufw })).toEqual([
      {
        cause: 'ufw',
        what: 'ufw drops redirected connections (default deny outgoing, ip filter OUTPUT): nothing to 10.0.0.0/8, 192.0.2.0/24, 198.51.100.0/24 and 1 more arrives',
        remedy: 'allow them: sudo ufw allow out to 127.0.0.1',
      },
    ]);
  });

  it('has nothing against a machine without IPv6', () => {
    const outcome = { kind: 'refused by route', route: 'none' } as const;
    expect(captureProblems([{ target: target('::/0'), outcome }], undefined)).toEqual([]);
    expect(captureProblems([{ target: target('0.0.0.0/0'), outcome }], undefined)).toHaveLength(1);
  });
});

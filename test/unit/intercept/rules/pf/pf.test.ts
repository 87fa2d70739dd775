import { describe, expect, it } from 'vitest';
import { PF_DEFAULTS, renderPf } from '../../../../../src/intercept/rules/pf/pf.ts';
import { parsePfAnchors, pfAnchor } from '../../../../../src/intercept/rules/pf/pf-anchor.ts';
import { pfProblems } from '../../../../../src/intercept/rules/pf/pf-problems.ts';
import { planRedirects } from '../../../../../src/intercept/rules/plan.ts';
import type { RedirectPlan } from '../../../../../src/intercept/rules/redirect-plan.ts';
import { PfEvaluator } from '../../../../support/pf/evaluator.ts';
import { rule } from '../rule.ts';
import { MEASURED_PLAN, PF_PLANS } from './sample-pf-plans.ts';

/** The rules that a FreeBSD 12.1 kernel had in 15 probes (native-notes/pf.md). */
const MEASURED = `
table <tsh_1> { 10.0.0.0/8, 172.20.0.0/16, !10.10.0.0/16, !10.0.2.2 }
table <tsh_2> { 10.0.0.0/8, 172.20.0.0/16, !10.10.0.0/16, !10.0.2.2, !10.1.0.0/16 }
table <tsh_d> { 10.0.2.3, 172.20.0.53 }
table <tsh6_1> { 2001:db8::/32, !2001:db8:1::/64 }
rdr on lo0 inet proto udp from any to <tsh_d> port 53 tagged TSHD -> 127.0.0.1 port 12353
rdr on lo0 inet proto tcp from any to <tsh_d> port 53 tagged TSHD -> 127.0.0.1 port 12353
rdr on lo0 inet proto tcp from any to any tagged TSH -> 127.0.0.1 port 12300
rdr on lo0 inet6 proto tcp from any to any tagged TSH -> fd9b:1::1 port 12300
pass in quick on lo0 reply-to lo0 inet proto udp from any to 127.0.0.1 port 12353 tagged TSHD keep state
pass in quick on lo0 reply-to lo0 inet proto tcp from any to 127.0.0.1 port 12353 flags S/SA tagged TSHD keep state
pass in quick on lo0 reply-to lo0 inet proto tcp from any to 127.0.0.1 port 12300 flags S/SA tagged TSH keep state
pass in quick on lo0 reply-to lo0 inet6 proto tcp from any to fd9b:1::1 port 12300 flags S/SA tagged TSH keep state
pass out quick on ! lo0 route-to lo0 inet proto udp from any to <tsh_d> port 53 tag TSHD keep state
pass out quick on ! lo0 route-to lo0 inet proto tcp from any to <tsh_d> port 53 flags S/SA tag TSHD keep state
pass out quick on ! lo0 route-to lo0 inet proto tcp from any to <tsh_1> port 1:442 flags S/SA tag TSH keep state
pass out quick on ! lo0 route-to lo0 inet proto tcp from any to <tsh_2> port 443 flags S/SA tag TSH keep state
pass out quick on ! lo0 route-to lo0 inet proto tcp from any to <tsh_1> port 444:65535 flags S/SA tag TSH keep state
pass out quick on ! lo0 route-to lo0 inet6 proto tcp from any to <tsh6_1> flags S/SA tag TSH keep state
`;

describe('renderPf', () => {
  it('renders the plans as in golden/plans.pf', async () => {
    const texts = Object.entries(PF_PLANS).map(([name, plan]) => `# ${name}\n${renderPf(plan)}`);
    expect(texts.length).toBeGreaterThan(30);
    await expect(texts.join('\n')).toMatchFileSnapshot('golden/plans.pf');
  });

  it('renders the rules that were tried on a kernel, of the plan that they carry out', () => {
    const listeners = { ...PF_DEFAULTS.listeners, 6: 'fd9b:1::1' };
    const text = renderPf(MEASURED_PLAN, { ...PF_DEFAULTS, listeners });
    expect(withoutNames(text)).toEqual(withoutNames(MEASURED));
  });

  it('has one rule for each stretch of ports, however many networks there are', () => {
    const rules = Array.from({ length: 10_000 }, (_, index) =>
      rule(`10.${index >> 8}.${index & 255}.0/25`, index % 3 === 0 ? 'exclude' : 'include'),
    );
    const plan = planRedirects({ rules, listenerPort: 12_300, families: [4], exempt: [] });
    const lines = renderPf({ ...plan, userId: 501 })
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['table', 'rdr', 'pass', 'pass']);
  });

  it('captures chosen programs alone, and nothing where it cannot tell them', () => {
    const network = {
      interfaces: [{ name: 'en0', addresses: ['192.0.2.5'], networks: ['0.0.0.0/0'] }],
    };
    const request = {
      rules: [rule('10.0.0.0/8')],
      listenerPort: 12_300,
      families: [4],
      exempt: [],
      dns: { redirects: [{ nameserver: '192.0.2.53', port: 12_353 }], exemptPorts: [40_001] },
    } as const;
    const kindOf = (only: RedirectPlan['only'], userId: number, groupId: number, port: number) => {
      const machine = new PfEvaluator(network, 'rdr-anchor "com.apple/*"\nanchor "com.apple/*"\n');
      const plan = { ...planRedirects({ ...request, only }), userId: 501 };
      machine.load(pfAnchor(plan, 'darwin'), renderPf(plan));
      const protocol = port === 53 ? 'udp' : 'tcp';
      const destination = port === 53 ? '192.0.2.53' : '10.0.0.1';
      return machine.connect({ protocol, sourcePort: 50_000, destination, port, userId, groupId }).kind;
    };
    const someone = { userId: null, groupId: null, cgroup: null };
    const only = [
      { ...someone, userId: 502 },
      { ...someone, userId: 503, groupId: 80 },
    ];
    for (const port of [53, 443]) {
      expect(kindOf(null, 501, 20, port)).toBe('here');
      expect(kindOf(only, 501, 20, port)).toBe('direct');
      expect(kindOf(only, 502, 20, port)).toBe('here');
      expect(kindOf(only, 503, 20, port)).toBe('direct');
      expect(kindOf(only, 503, 80, port)).toBe('here');
      expect(kindOf([{ ...someone, userId: 502, cgroup: 'a.slice' }], 502, 20, port)).toBe('direct');
    }
    const plan = planRedirects({ ...request, only: [{ ...someone, cgroup: 'a.slice' }] });
    expect(pfProblems(plan).map(({ where }) => where)).toEqual(['control group a.slice']);
  });

  it('refuses what pf has no room for, naming what the user can do', () => {
    const address = (index: number) => `10.9.${index >> 8}.${index & 255}`;
    const manyTables = Array.from({ length: 450 }, (_, index) => rule(`${address(index)}:${index * 2 + 1}`));
    const manyEntries = Array.from({ length: 300 }, (_, index) => [
      rule(address(index * 2)),
      rule(`${address(index * 2)}:${index + 1}`, 'exclude'),
    ]).flat();
    for (const rules of [manyTables, [...manyEntries, rule('10.10.0.0/16'), rule('10.10.1.1', 'exclude')]]) {
      const plan = planRedirects({ rules, listenerPort: 12_300, families: [4], exempt: [] });
      expect(() => renderPf({ ...plan, userId: 501 })).toThrowError(
        expect.objectContaining({
          code: 'ERR_CONFIG',
          remedy: 'use fewer different port ranges, or larger networks',
        }),
      );
    }
  });

  it('asks whether a nameserver is this machine, whose queries go by lo0 without our help', () => {
    const plan = PF_PLANS['names by two nameservers']!;
    const byLoopback = /^pass out quick on lo0 inet proto (?:udp|tcp) from any to <tsh_1> port 53 /gm;
    expect(renderPf(plan)).not.toMatch(byLoopback);
    const own = renderPf(plan, { ...PF_DEFAULTS, isOwn: (nameserver) => nameserver === '192.0.2.53' });
    expect(own.match(byLoopback)).toHaveLength(2);
  });
});

describe('pfProblems', () => {
  it('has others’ connections not captured, by what names them', () => {
    const alsoFrom = { sources: [{ kind: 'interface', name: 'bridge0' }], links: [] } as const;
    const problems = pfProblems({ ...PF_PLANS['one network']!, alsoFrom });
    expect(problems.map(({ where }) => where)).toEqual(['--also-from bridge0']);
  });

  it('names what pf cannot do, with its remedy', () => {
    expect(pfProblems(PF_PLANS['a link-local nameserver, which pf cannot redirect']!)).toEqual([
      {
        where: 'nameserver fe80::1',
        what: 'pf cannot redirect queries to a link-local address; name the same nameserver by another address, with --ns',
      },
    ]);
    expect(pfProblems(PF_PLANS['names by two nameservers']!)).toEqual([]);
    expect(pfProblems(PF_PLANS['one network']!)).toEqual([]);
  });
});

describe('pfAnchor and parsePfAnchors', () => {
  const owner = { userId: 501, listenerPort: 12_300 };
  it.each([
    ['darwin', 'com.apple/tshuttle-501-12300'],
    ['freebsd', 'tshuttle-501-12300'],
  ] as const)('on %s', (platform, anchor) => {
    expect(pfAnchor(owner, platform)).toBe(anchor);
    const listing = `  com.apple/200.AirDrop\n  ${anchor}\n  ${anchor}/x\n  x${anchor}\n  tshuttle-x-1\n`;
    expect(parsePfAnchors(listing, platform)).toEqual([owner]);
  });
});

/** The rules with each table in place of its name, and the tags of the measured ones. */
function withoutNames(text: string): readonly string[] {
  const lines = text.trim().split('\n');
  const tables = new Map(
    lines.flatMap((line) => {
      const [, name, entries] = /^table (<\w+>) \{ (.*) \}$/.exec(line) ?? [];
      return name === undefined || entries === undefined
        ? []
        : [[name, entries.split(', ').sort().join(' ')]];
    }),
  );
  return lines
    .filter((line) => !line.startsWith('table '))
    .map((line) =>
      line.replace(/<\w+>/g, (name) => `{ ${tables.get(name)} }`).replace(/\b(TSHD?)-501-12300\b/g, '$1'),
    );
}

import { planRedirects } from '../../../../src/intercept/rules/plan.ts';
import type { OwnedPlan, RedirectPlan } from '../../../../src/intercept/rules/redirect-plan.ts';
import { rule } from './rule.ts';

/** Plans that show every form of rule; their texts are in golden/. */
export const SAMPLE_PLANS: Readonly<Record<string, RedirectPlan>> = {
  'both-families': planRedirects({
    rules: [
      rule('10.0.0.0/8'),
      rule('10.10.0.0/16', 'exclude'),
      rule('198.51.100.0/24:8000-8999'),
      rule('192.0.2.7:443'),
      rule('2001:db8::/32'),
      rule('2001:db8:0:1::/64', 'exclude'),
    ],
    listenerPort: 12_300,
    families: [4, 6],
    exempt: [
      { family: 4, address: '10.77.0.3', port: 22 },
      { family: 6, address: '2001:db8::3', port: 2222 },
    ],
    dns: {
      redirects: [
        { nameserver: '127.0.0.53', port: 12_353 },
        { nameserver: '10.77.0.2', port: 12_354 },
        { nameserver: '2001:db8::53', port: 12_355 },
      ],
      exemptPorts: Array.from({ length: 17 }, (_, index) => 40_001 + index * 10),
    },
    udp: 'reject',
  }),
  'only-ipv4': planRedirects({
    rules: [rule('0.0.0.0/0'), rule('10.0.0.0/8:100-109'), rule('10.1.0.0/16:105-114', 'exclude')],
    listenerPort: 1_080,
    families: [4],
    exempt: [],
  }),
  'some-programs': planRedirects({
    rules: [rule('10.0.0.0/8'), rule('2001:db8::/32')],
    listenerPort: 12_300,
    families: [4, 6],
    exempt: [{ family: 4, address: '10.77.0.3', port: 22 }],
    dns: { redirects: [{ nameserver: '127.0.0.53', port: 12_353 }], exemptPorts: [40_001] },
    only: [
      { userId: 1_001, groupId: null, cgroup: null },
      { userId: 1_002, groupId: 100, cgroup: null },
    ],
  }),
  'others-too': planRedirects({
    rules: [rule('10.0.0.0/8'), rule('10.10.0.0/16', 'exclude'), rule('2001:db8::/32')],
    listenerPort: 12_300,
    families: [4, 6],
    exempt: [{ family: 4, address: '10.77.0.3', port: 22 }],
    dns: {
      redirects: [
        { nameserver: '10.77.0.2', port: 12_354 },
        { nameserver: '2001:db8::53', port: 12_355 },
      ],
      exemptPorts: [40_001],
    },
    alsoFrom: {
      sources: [
        { kind: 'interface', name: 'docker0' },
        { kind: 'interface', name: 'br-*' },
        { kind: 'network', address: '192.168.50.0', prefixLength: 24 },
        { kind: 'network', address: 'fd00:50::', prefixLength: 64 },
      ],
      links: [
        { address: '172.17.0.0', prefixLength: 16 },
        { address: 'fd00:17::', prefixLength: 64 },
      ],
    },
  }),
  'no-rules': planRedirects({ rules: [], listenerPort: 65_535, families: [4, 6], exempt: [] }),
};

/** The same, of one user. */
export const OWNED_SAMPLE_PLANS: Readonly<Record<string, OwnedPlan>> = Object.fromEntries(
  Object.entries(SAMPLE_PLANS).map(([name, plan]) => [
    name,
    { ...plan, userId: 1_000, udpInUse: Array.from({ length: 17 }, (_, index) => 50_001 + index * 10) },
  ]),
);

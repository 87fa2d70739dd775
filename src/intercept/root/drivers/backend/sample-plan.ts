import type { IpFamily } from '../../../../net/address/literal.ts';
import type { OwnedPlan } from '../../../rules/redirect-plan.ts';

/** What the rules of a probe name as their instance. */
export const SAMPLE_INSTANCE = '1-1-1';

/** Has everything that a plan can have. Port 1 names rules that no tunnel has. */
export function samplePlan(families: readonly IpFamily[]): OwnedPlan {
  return {
    userId: 0,
    listenerPort: 1,
    families,
    groups: [
      {
        ports: { first: 80, last: 90 },
        intervals4: [
          { first: '192.0.2.0', last: '192.0.2.6', action: 'capture' },
          { first: '192.0.2.7', last: '192.0.2.7', action: 'pass' },
        ],
        intervals6: [
          { first: '2001:db8::', last: '2001:db8::6', action: 'capture' },
          { first: '2001:db8::7', last: '2001:db8::7', action: 'pass' },
        ],
      },
    ],
    exempt: [
      { family: 4, address: '192.0.2.1', port: 22 },
      { family: 6, address: '2001:db8::1', port: 22 },
    ],
    dns: {
      redirects: [
        { nameserver: '192.0.2.53', port: 2 },
        { nameserver: '2001:db8::53', port: 3 },
      ],
      exemptPorts: [4, 5],
    },
    replies: 'plain',
    only: null,
    udp: 'direct',
    resolverFiles: null,
    alsoFrom: {
      sources: [
        { kind: 'interface', name: 'tshuttle-none' },
        { kind: 'interface', name: 'tshuttle-none-*' },
        { kind: 'network', address: '192.0.2.128', prefixLength: 25 },
        { kind: 'network', address: '2001:db8:1::', prefixLength: 48 },
      ],
      links: [
        { address: '192.0.2.64', prefixLength: 26 },
        { address: '2001:db8:2::', prefixLength: 64 },
      ],
    },
    tmark: null,
  };
}

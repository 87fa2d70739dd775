import { type PlanRequest, planRedirects } from '../../../../../src/intercept/rules/plan.ts';
import type { DnsRedirect, OwnedPlan } from '../../../../../src/intercept/rules/redirect-plan.ts';
import type { Endpoint } from '../../../../../src/net/address/endpoint.ts';
import { makeEndpoint } from '../../../../../src/net/address/endpoint.ts';
import { rule } from '../rule.ts';

/**
 * The plan whose anchor was tried on a kernel (native-notes/pf.md), but for the rule that refuses QUIC: there on one port alone. There
 * DNS by TCP went to the listener of flows; a plan has it go where UDP goes.
 */
export const MEASURED_PLAN = owned({
  rules: [
    rule('10.0.0.0/8'),
    rule('172.20.0.0/16'),
    rule('10.10.0.0/16', 'exclude'),
    rule('10.0.2.2', 'exclude'),
    rule('10.1.0.0/16:443', 'exclude'),
    rule('2001:db8::/32'),
    rule('2001:db8:1::/64', 'exclude'),
  ],
  dns: dns(['10.0.2.3 12353', '172.20.0.53 12353']),
});

function owned(request: Partial<PlanRequest>, userId = 501): OwnedPlan {
  const plan = planRedirects({ rules: [], listenerPort: 12_300, families: [4, 6], exempt: [], ...request });
  return { ...plan, userId };
}

/** @param redirects each `NAMESERVER PORT` */
function dns(redirects: readonly string[], exemptPorts: readonly number[] = []): DnsRedirect {
  return {
    redirects: redirects.map((text) => {
      const [nameserver = '', port] = text.split(' ');
      return { nameserver, port: Number(port) };
    }),
    exemptPorts,
  };
}

function exempt(address: string, port: number): Endpoint {
  return makeEndpoint(address, port)!;
}

const in10 = (text: string, action: 'include' | 'exclude' = 'include') => rule(`10.${text}`, action);

/** Plans that show every form of rule, by what they show; their texts are in golden/plans.pf. */
export const PF_PLANS: Readonly<Record<string, OwnedPlan>> = {
  'what was tried on a kernel': MEASURED_PLAN,
  'nothing captured': owned({}),
  'one network': owned({ rules: [rule('10.0.0.0/8')] }),
  'one address': owned({ rules: [rule('192.0.2.7')] }),
  'one address and one port': owned({ rules: [rule('192.0.2.7:443')] }),
  'one IPv6 network': owned({ rules: [rule('2001:db8::/32')] }),
  'one IPv6 address': owned({ rules: [rule('2001:db8::7')] }),
  everything: owned({ rules: [rule('0.0.0.0/0'), rule('::/0')] }),
  'everything of a machine without IPv6': owned({ families: [4], rules: [rule('0.0.0.0/0'), rule('::/0')] }),
  'half of the addresses': owned({ rules: [rule('128.0.0.0/1'), rule('8000::/1')] }),
  'an excluded network': owned({ rules: [rule('10.0.0.0/8'), in10('10.0.0/16', 'exclude')] }),
  'an include within an exclude': owned({
    rules: [rule('10.0.0.0/8'), in10('10.0.0/16', 'exclude'), in10('10.1.0/24')],
  }),
  'an exclude at each end': owned({
    rules: [rule('10.0.0.0/24'), rule('10.0.0.0', 'exclude'), rule('10.0.0.255', 'exclude')],
  }),
  'networks side by side': owned({ rules: [rule('10.0.0.0/24'), rule('10.0.1.0/24'), rule('10.0.3.0/24')] }),
  'what is never captured': owned({
    rules: [
      rule('127.0.0.0/8'),
      rule('169.254.169.254'),
      rule('224.0.0.0/4'),
      rule('fe80::/10'),
      rule('::1'),
    ],
  }),
  'what is never captured, within more': owned({ rules: [rule('126.0.0.0/7'), rule('fe00::/7')] }),
  'a range of ports': owned({ rules: [rule('198.51.100.0/24:8000-8999')] }),
  'a port at each end': owned({ rules: [rule('198.51.100.0/24:1'), rule('198.51.100.0/24:65535')] }),
  'a port more in part of a network': owned({ rules: [rule('10.0.0.0/8:22'), in10('1.0.0/16:80-443')] }),
  'an excluded port': owned({ rules: [rule('10.0.0.0/8'), rule('0.0.0.0/0:443', 'exclude')] }),
  'ranges of equal width that overlap': owned({
    rules: [rule('10.0.0.0/8:100-109'), in10('1.0.0/16:105-114', 'exclude')],
  }),
  'a narrow range within a wide one': owned({
    rules: [rule('10.0.0.0/8:1-1024', 'exclude'), rule('10.0.0.0/8'), in10('2.0.0/16:443')],
  }),
  'the bastion, exempt': owned({ rules: [rule('10.0.0.0/8')], exempt: [exempt('10.0.2.2', 22)] }),
  'bastions of both families, exempt': owned({
    rules: [rule('0.0.0.0/0'), rule('::/0')],
    exempt: [exempt('192.0.2.1', 22), exempt('192.0.2.2', 22), exempt('2001:db8::1', 2222)],
  }),
  'an exempt endpoint that nothing captures': owned({
    rules: [rule('10.0.0.0/8')],
    exempt: [exempt('192.0.2.1', 22)],
  }),
  'names by two nameservers': owned({ dns: dns(['192.0.2.53 12353', '2001:db8::53 12354']) }),
  'queries of our own': owned({
    rules: [rule('10.0.0.0/8')],
    dns: dns(['10.0.0.53 12353'], [40_001, 40_002, 50_000]),
  }),
  'a nameserver of this machine': owned({ dns: dns(['127.0.0.1 12353', '::1 12354'], [40_001]) }),
  'a nameserver at an exempt endpoint': owned({
    rules: [rule('10.0.0.0/8')],
    dns: dns(['10.0.0.53 12353']),
    exempt: [exempt('10.0.0.53', 53)],
  }),
  'a link-local nameserver, which pf cannot redirect': owned({
    dns: dns(['fe80::1 12353', '192.0.2.53 12354']),
  }),
  'UDP that is refused': owned({ rules: [rule('10.0.0.0/8'), rule('2001:db8::/32')], udp: 'reject' }),
  'UDP that is refused, but to the bastion, and from sockets that were there': {
    ...owned({
      rules: [rule('10.0.0.0/8:1-1023'), rule('10.0.0.0/8:50', 'exclude')],
      exempt: [exempt('10.0.2.2', 22)],
      udp: 'reject',
    }),
    udpInUse: [53, 49_152, 50_000, 65_535],
  },
  'UDP that would take too many rules to refuse': {
    ...owned({ rules: [rule('10.0.0.0/8')], udp: 'reject' }),
    udpInUse: Array.from({ length: 200 }, (_, index) => 50_000 + 2 * index),
  },
  'another user, another port': owned({ rules: [rule('10.0.0.0/8')], listenerPort: 1_080 }, 4_294_967_295),
};

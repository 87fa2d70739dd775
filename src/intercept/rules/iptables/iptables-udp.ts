import { MAX_ACCOUNT_ID } from '../program-match.ts';
import type { OwnedPlan } from '../redirect-plan.ts';
import { exemptAddresses, SPARED_UDP_PORTS } from '../refused-udp.ts';
import { formatIptablesPorts, renderInterval, renderProgram, textOfTable } from './iptables.ts';
import { iptablesChains, renderInstanceComment } from './iptables-chains.ts';
import {
  chunksOf,
  type IptablesOptions,
  linkLocal,
  MULTIPORT_PORTS,
  unrouted,
} from './iptables-decisions.ts';

const REFUSE = { 4: 'icmp-port-unreachable', 6: 'icmp6-port-unreachable' } as const;

/** Renders the transaction that makes the chains which refuse UDP. Their names are those of the chains in `nat`. */
export function renderIptablesRefusal(plan: OwnedPlan, options: IptablesOptions): string {
  const { family, instance, jumpAt } = options;
  const { entry, groups } = iptablesChains(plan);
  const refuse = { chain: groups, capture: `REJECT --reject-with ${REFUSE[family]}` };
  return textOfTable('filter', [
    `:${entry} - [0:0]`,
    `:${groups} - [0:0]`,
    `-A ${entry} ${renderInstanceComment(instance, plan.order)}`,
    ...sparedMatches(plan, family).map((match) => `-A ${entry} ${match} -j RETURN`),
    ...(plan.only?.map((match) => `-A ${entry} ${renderProgram(match)} -g ${groups}`) ?? [
      `-A ${entry} -g ${groups}`,
    ]),
    ...plan.groups.flatMap((group) =>
      (family === 4 ? group.intervals4 : group.intervals6).map((interval) =>
        renderInterval(family, 'udp', group.ports, interval, refuse),
      ),
    ),
    ...(jumpAt === 'there' ? [] : [`-I OUTPUT ${jumpAt} -j ${entry}`]),
  ]);
}

/** What is never refused (refused-udp.ts). */
function sparedMatches(plan: OwnedPlan, family: 4 | 6): readonly string[] {
  return [
    '! -p udp',
    // All but the first datagram of an exchange that this machine begins.
    '-m conntrack ! --ctstate NEW',
    // Whatever has no user is the kernel's, as of WireGuard.
    `-m owner ! --uid-owner 0-${MAX_ACCOUNT_ID}`,
    '-m mark ! --mark 0',
    ...SPARED_UDP_PORTS.map((ports) => `-p udp -m udp --dport ${formatIptablesPorts(ports)}`),
    ...chunksOf([...new Set(plan.udpInUse)], MULTIPORT_PORTS).map(
      (ports) => `-p udp -m multiport --sports ${ports.join(',')}`,
    ),
    ...exemptAddresses(plan, family).map((address) => `-d ${address}/${family === 4 ? 32 : 128}`),
    ...unrouted(family),
    linkLocal(family),
  ];
}

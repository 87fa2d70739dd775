import { formatPortRange } from '../../../net/address/port-range.ts';
import type { OwnedPlan, RedirectPlan } from '../redirect-plan.ts';
import { exemptAddresses, SPARED_UDP_PORTS } from '../refused-udp.ts';
import {
  EXEMPT_ADDRESS_SET,
  renderAddressSet,
  renderPortSet,
  replaceElements,
  UDP_PORT_SET,
} from './nft-sets.ts';

/**
 * The chains that refuse UDP. Only a chain of the type filter may refuse, and only one of the type nat sees the first datagram of an
 * exchange alone. So what the maps of the output chain say is captured is marked there, and what is marked is refused a moment
 * later. The mark leaves this machine on no packet: all that have it are refused.
 *
 *     output (nat) ──jump──> spare_udp       accepts what is never refused
 *         └──vmap──> capture                 marks the rest
 *     refuse_udp (filter)                    refuses what is marked
 */

/** `TSHU`. The same for all tunnels: what one has marked another one's chain may refuse. */
const MARK = '0x54534855';

/** Behind all chains of the type nat (-100 in the kernel, whatever they say), before those that others filter by. */
const FILTER_PRIORITY = -10;

/** What every table has: to where the maps lead. */
export function renderCapture({ listenerPort, udp }: Pick<OwnedPlan, 'listenerPort' | 'udp'>): string[] {
  return [
    '  chain capture {',
    `    meta l4proto tcp redirect to :${listenerPort}`,
    ...renderUdpMark({ udp }),
    ...(udp === 'relay' ? [`    meta l4proto udp meta skuid >= 0 redirect to :${listenerPort}`] : []),
    '  }',
  ];
}

/** What the chain to which maps lead does with datagrams. */
export function renderUdpMark({ udp }: Pick<OwnedPlan, 'udp'>): string[] {
  // A socket of the kernel's own, as of WireGuard, is no user's.
  return udp === 'reject' ? [`    meta l4proto udp meta skuid >= 0 meta mark set ${MARK}`] : [];
}

/** The chains beside that; none where UDP is left alone. */
export function renderRefusal({ families, udp }: Pick<RedirectPlan, 'families' | 'udp'>): string[] {
  if (udp === 'direct') return [];
  const spare = [
    '  chain spare_udp {',
    '    meta mark != 0 accept',
    // A rule for each: a set would come and go with the rules, and fail datagrams meanwhile.
    ...SPARED_UDP_PORTS.map((ports) => `    udp dport ${formatPortRange(ports)} accept`),
    `    udp sport @${UDP_PORT_SET} accept`,
    ...families.map(
      (family) => `    ${family === 4 ? 'ip' : 'ip6'} daddr @${EXEMPT_ADDRESS_SET}${family} accept`,
    ),
    '  }',
  ];
  if (udp === 'relay') return spare;
  return [
    ...spare,
    '  chain refuse_udp {',
    `    ${REFUSAL_HEAD}`,
    `    meta mark ${MARK} meta l4proto udp reject with icmpx type port-unreachable`,
    '  }',
  ];
}

const REFUSAL_HEAD = `type filter hook output priority ${FILTER_PRIORITY}; policy accept;`;

/**
 * The statements that empty those chains before they are rendered anew in the same transaction. Those of a plan before this one that
 * refused stay where this one does not: nothing is marked for them.
 */
export function renderRefusalReset(table: string, { udp }: Pick<RedirectPlan, 'udp'>): string[] {
  const reset = [`flush chain ${table} capture`];
  if (udp === 'direct') return reset;
  const spare = [...reset, `add chain ${table} spare_udp`, `flush chain ${table} spare_udp`];
  if (udp === 'relay') return spare;
  return [...spare, `add chain ${table} refuse_udp { ${REFUSAL_HEAD} }`, `flush chain ${table} refuse_udp`];
}

/** The chains of a plan that have to be there for it to hold, beside the output chain. */
export function refusalChains({ udp }: Pick<RedirectPlan, 'udp'>): readonly string[] {
  return udp === 'reject' ? ['refuse_udp'] : [];
}

/** The elements of {@link UDP_PORT_SET}. */
function udpPortsInUse({ udpInUse = [] }: OwnedPlan): string[] {
  return [...new Set(udpInUse)].map(String);
}

/** The sets that the chains look into; none where UDP is left alone. */
export function renderUdpSets(plan: OwnedPlan): string[] {
  if (plan.udp === 'direct') return [];
  return [
    ...renderPortSet(UDP_PORT_SET, udpPortsInUse(plan)),
    ...plan.families.flatMap((family) => renderAddressSet(family, exemptAddresses(plan, family))),
  ];
}

/** The statements that give those sets the elements of a plan. */
export function replaceUdpSets(table: string, plan: OwnedPlan): string[] {
  if (plan.udp === 'direct') return [];
  const addresses = plan.families.flatMap((family) =>
    replaceElements(`${table} ${EXEMPT_ADDRESS_SET}${family}`, exemptAddresses(plan, family)),
  );
  return [...replaceElements(`${table} ${UDP_PORT_SET}`, udpPortsInUse(plan)), ...addresses];
}

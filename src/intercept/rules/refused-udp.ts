import type { IpFamily } from '../../net/address/literal.ts';
import type { PortRange } from '../../net/address/port-range.ts';
import type { RedirectPlan } from './redirect-plan.ts';

/**
 * What is never refused although it is UDP to what a plan captures: a machine needs it for its network to work at all, and none of
 * its programs would do with TCP instead (native-notes/refused-udp.md).
 *
 *     ports        of these services
 *     machine      its own addresses, broadcast, multicast, link-local
 *     endpoints    every port of the hosts that the plan has exempt: the bastion
 *     senders      the kernel's own tunnels; sockets that were there before the rules; on Linux what carries a mark, as VPN programs
 *                  set it so as not to be routed into themselves
 *     exchanges    those that the other end began
 */
export const SPARED_UDP_PORTS: ReadonlyArray<PortRange & { readonly service: string }> = [
  // Without it names do not resolve; what of it is captured has been redirected before.
  { first: 53, last: 53, service: 'DNS' },
  { first: 67, last: 68, service: 'DHCP' },
  { first: 123, last: 123, service: 'NTP' },
  { first: 500, last: 500, service: 'IKE' },
  { first: 546, last: 547, service: 'DHCPv6' },
  { first: 853, last: 853, service: 'DNS over QUIC' },
  { first: 1_194, last: 1_194, service: 'OpenVPN' },
  { first: 1_701, last: 1_701, service: 'L2TP' },
  { first: 4_500, last: 4_500, service: 'IPsec through NAT' },
  { first: 41_641, last: 41_641, service: 'Tailscale' },
  { first: 51_820, last: 51_820, service: 'WireGuard' },
];

/** The addresses that a plan has exempt, each once. */
export function exemptAddresses({ exempt }: Pick<RedirectPlan, 'exempt'>, ofFamily: IpFamily): string[] {
  const addresses = exempt.filter(({ family }) => family === ofFamily).map(({ address }) => address);
  return [...new Set(addresses)];
}
